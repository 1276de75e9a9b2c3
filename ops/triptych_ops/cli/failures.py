"""Errors -> one line for people and one of the documented exit codes."""

import errno
from collections.abc import Mapping

import click

from loadtests.errors import LoadTestError
from triptych import (
    DeadlineExceededError,
    ImageError,
    InvalidSettingError,
    InvalidUrlError,
    NotFoundError,
    TriptychError,
)
from triptych_ops.errors import OpsError, reason
from triptych_ops.extras import missing_package_message

from .output import printable

STANDARD_OUTPUT = "standard output"
"""What an error calls the file that standard output is."""

DONE, FAILED, USAGE, NOT_FOUND, REFUSED, TIMED_OUT, INCONCLUSIVE = range(7)

_SDK_CODES: Mapping[type[TriptychError], int] = {
    InvalidSettingError: USAGE,
    InvalidUrlError: USAGE,
    NotFoundError: NOT_FOUND,
    DeadlineExceededError: TIMED_OUT,
}
_CURES: Mapping[int, str] = {
    errno.ENOSPC: "free some space, or choose another folder with --store or TMPDIR",
    errno.EDQUOT: "free some of your quota, or choose another folder with --store or TMPDIR",
    errno.EACCES: "change its permissions, or name another",
    errno.EROFS: "name a folder that can be written to",
    errno.ENOENT: "check the path; a file is written only into a folder that exists",
    errno.ENOTDIR: "check the path: a part of it is a file",
    errno.EISDIR: "name a file in it",
}
_OPTIONS: Mapping[str, str] = {
    "give it fetch_urls=True, or send the bytes": "set TRIPTYCH_FETCH_URLS=yes, or name a file",
    "give it headers={'x-api-key': KEY} or token=FUNCTION": "give it --header x-api-key=KEY",
    "give tls=Tls(certificate=FILE, key=FILE)": "give --tls-cert FILE and --tls-key FILE",
    "give tls=Tls(ca=FILE)": "give --tls-ca FILE",
    ", or say plaintext_secrets=True where the network itself is secret": "",
    "tls is given, and": "a file for TLS is given, and",
    "timeout_s must be": "--timeout must be",
    "top_k must be": "--top-k must be",
}
"""Words of the SDK that name a parameter -> the same with an option or a variable of the command line."""

_IMAGE_CODES: Mapping[str, int] = {"missing_file": NOT_FOUND, "is_directory": USAGE, "unsupported_type": USAGE}


def exit_code(error: Exception) -> int:
    """The exit code of a command that ended with `error`."""
    if isinstance(error, OpsError | LoadTestError):
        return error.exit_code
    if isinstance(error, ImageError):
        return _IMAGE_CODES.get(error.code, FAILED)
    if isinstance(error, TriptychError):
        return _SDK_CODES.get(type(error), FAILED)
    return USAGE if isinstance(error, click.ClickException) else FAILED


def line(error: Exception) -> str:
    """What went wrong, with what, on one line."""
    if isinstance(error, click.UsageError):
        where = f" (see {error.ctx.command_path} --help)" if error.ctx else ""
        text = error.format_message().rstrip(".") + where
    elif isinstance(error, click.ClickException):
        text = error.format_message()
    elif isinstance(error, OSError):
        text = _os_error(error)
    else:
        text = in_options(str(error))
    return printable(" ".join(text.split()))


def in_options(text: str) -> str:
    """The words of an error of the SDK, with this command line's options in place of Python's parameters."""
    for words, own in _OPTIONS.items():
        text = text.replace(words, own)
    return text


def _os_error(error: OSError) -> str:
    if error.filename == STANDARD_OUTPUT:
        return f"{STANDARD_OUTPUT} cannot be written: {reason(error)}; send it elsewhere"
    what = error.strerror or str(error)
    where = f": {error.filename}" if error.filename else ""
    cure = _CURES.get(error.errno or 0)
    return f"{what}{where}" + (f"; {cure}" if cure else "")


def missing_package(error: ModuleNotFoundError, *, extra: str) -> Exception:
    """What to install; `error` itself where a module of our own is missing, which no user can mend."""
    message = missing_package_message(error, extra=extra)
    return error if message is None else OpsError(message)
