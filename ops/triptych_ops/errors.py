"""Errors of the tooling, each with the exit code that the command ends with.

TriptychError (of the SDK)
+-- OpsError          1  it failed
    +-- UsageError    2  the caller asked for something that makes no sense
    +-- MissingError  3  what was named does not exist
    +-- RefusedError  4  a gate refused: a check was made and did not hold
    +-- TimedOutError 5  it did not happen in time
"""

from typing import ClassVar

from triptych import TriptychError


class OpsError(TriptychError):
    """Base of the tooling's errors; the message is one line: what, which, what to do."""

    exit_code: ClassVar[int] = 1


class UsageError(OpsError):
    """The caller asked for something that makes no sense."""

    exit_code = 2


class MissingError(OpsError):
    """What was named does not exist."""

    exit_code = 3


class RefusedError(OpsError):
    """A gate refused: a check was made and did not hold."""

    exit_code = 4


class TimedOutError(OpsError):
    """It did not happen in time."""

    exit_code = 5
