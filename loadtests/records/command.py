"""The command line of a run, as its record keeps it: enough to run it again, without secrets. Pure."""

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

MASK: Final = "***"

_SECRET: Final = r"pass(?:word|wd|phrase)?|token|secret|api[_.-]?keys?|authorization|credentials?|bearer|cookie"  # noqa: S105  names, no secret
_SECRET_OPTION: Final = re.compile(rf"--?[\w-]*(?:{_SECRET})[\w-]*", re.IGNORECASE)
_HEADER_OPTION: Final = re.compile(r"--header|-H")
_SECRET_PAIR: Final = re.compile(rf"([\w.-]*(?:{_SECRET})[\w.-]*\s*[=:]\s*)[^,]+", re.IGNORECASE)
_USER: Final = re.compile(r"(?<=://)[^/@\s]+@")
_QUERY: Final = re.compile(r"(?<=://)([^?\s]*\?).+")


def masked(arguments: Sequence[str]) -> tuple[str, ...]:
    """Return a command line with the program's name alone and `***` in place of whatever may be a secret.

    Masked are the values of headers (their names stay), of options and NAME=VALUE pairs whose names speak of passwords,
    tokens, keys and the like, and users and queries of URLs.
    """
    found = [PurePath(arguments[0]).name] if arguments else []
    before = ""
    for argument in arguments[1:]:
        found.append(_masked(argument, before))
        before = argument
    return tuple(found)


def _masked(argument: str, before: str) -> str:
    name, separator, value = argument.partition("=")
    if _HEADER_OPTION.fullmatch(before):
        return _header(argument)
    if separator and _HEADER_OPTION.fullmatch(name):
        return f"{name}={_header(value)}"
    if _SECRET_OPTION.fullmatch(before) and not argument.startswith("-"):
        return MASK
    if separator and _SECRET_OPTION.fullmatch(name):
        return f"{name}={MASK}"
    argument = _SECRET_PAIR.sub(rf"\g<1>{MASK}", argument)
    return _QUERY.sub(rf"\g<1>{MASK}", _USER.sub(f"{MASK}@", argument))


def _header(text: str) -> str:
    """Return NAME=*** of NAME=VALUE or NAME: VALUE."""
    name = re.match(r"[^=:]*[=:]", text)
    return f"{name.group() if name else ''}{MASK}"
