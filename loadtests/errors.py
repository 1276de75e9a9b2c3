"""Errors of load tests, each with the exit code that a command ends with.

TriptychError (of the SDK)
+-- LoadTestError           1
    +-- PicturesError       2  what is to be sent makes no sense
    |   +-- NoPicturesError 3  there is nothing to send
    +-- ProfileError        2  a profile that there is not, or that makes no sense
    +-- ObjectiveError      2  an objective that cannot be read, or of a stage that there is not
    +-- RecordError         3  a folder that is no record of a load test
    |   +-- TakenError      2  a folder that has a record already
    +-- NoCommandError      3  a command that there is not
    +-- UnreachableError    1  nobody answers at the target
    +-- StoppedError        6  it was told to end before it knew
    +-- ComparisonError     6  two runs that cannot be compared
"""

from typing import ClassVar

from triptych import TriptychError


class LoadTestError(TriptychError):
    """Base of the load tests' errors; the message is one line: what, which, what to do."""

    exit_code: ClassVar[int] = 1


class PicturesError(LoadTestError):
    """What is to be sent makes no sense."""

    exit_code = 2


class NoPicturesError(PicturesError):
    """There is nothing to send."""

    exit_code = 3


class ProfileError(LoadTestError):
    """A profile that there is not, or that makes no sense."""

    exit_code = 2


class ObjectiveError(LoadTestError):
    """An objective that cannot be read, or of a stage that there is not."""

    exit_code = 2


class RecordError(LoadTestError):
    """A folder that is no record of a load test."""

    exit_code = 3


class TakenError(RecordError):
    """A folder that has a record already."""

    exit_code = 2


class NoCommandError(LoadTestError):
    """A command that there is not."""

    exit_code = 3


class UnreachableError(LoadTestError):
    """Nobody answers at the target."""


class StoppedError(LoadTestError):
    """It was told to end before it knew."""

    exit_code = 6


class ComparisonError(LoadTestError):
    """Two runs that cannot be compared."""

    exit_code = 6
