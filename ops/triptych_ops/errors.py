"""Errors of the tooling, each with the exit code that the command ends with.

TriptychError (of the SDK)
+-- OpsError          1  it failed
    +-- UsageError    2  the caller asked for something that makes no sense
    +-- MissingError  3  what was named does not exist
    +-- RefusedError  4  a gate refused: a check was made and did not hold
    +-- TimedOutError 5  it did not happen in time
"""

import errno
import os
import re
from typing import ClassVar, Final

from triptych import TriptychError

_NUMBER: Final = re.compile(r"\[Errno -?\d+\] ")
_LIBRARY: Final = re.compile(r"\w+\(host='[^']*', port=\d+\): |<urlopen error (.*)>")


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


def reason(error: BaseException) -> str:
    """Return what an error of a library or of the system says, without its number, its type or its address.

    The caller's message names what failed, so that `[Errno 111] Connection refused` is `Connection refused` there.
    """
    inner = getattr(error, "reason", None)
    if isinstance(inner, BaseException):
        return reason(inner)
    if isinstance(error, OSError) and error.errno is not None and error.errno in errno.errorcode:
        return os.strerror(error.errno)
    text = _LIBRARY.sub(lambda found: found[1] or "", str(error))
    return " ".join(_NUMBER.sub("", text).split()).rstrip(".") or type(error).__name__
