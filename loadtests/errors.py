"""Errors of load tests.

TriptychError (of the SDK)
+-- LoadTestError
    +-- PicturesError    there is nothing to send
    +-- ProfileError     a profile that there is not, or that makes no sense
    +-- RecordError      a folder that is no record of a load test, or that holds one already
    +-- UnreachableError nobody answers at the target
"""

from triptych import TriptychError


class LoadTestError(TriptychError):
    """Base of the load tests' errors; the message is one line: what, which, what to do."""


class PicturesError(LoadTestError):
    """There is nothing to send."""


class ProfileError(LoadTestError):
    """A profile that there is not, or that makes no sense."""


class RecordError(LoadTestError):
    """A folder that is no record of a load test, or that holds one already."""


class UnreachableError(LoadTestError):
    """Nobody answers at the target."""
