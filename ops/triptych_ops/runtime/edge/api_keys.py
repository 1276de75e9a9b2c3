"""A file of API keys: on each line a client's name, a colon and its key."""

import re
from pathlib import Path

from triptych_ops.errors import MissingError, UsageError

from .settings import ApiKey

_LINE = re.compile(r"(?P<client>[\w.@-]{1,64})\s*:\s*(?P<secret>[!-~]+)", re.ASCII)
_LEAST = 16  # 96 bits in base64


def read_api_keys(path: Path) -> tuple[ApiKey, ...]:
    """The keys of a file. Empty lines and those that begin with # are passed over. No message repeats a key.

    Raises:
        MissingError: there is no such file.
        UsageError: others may read it, a line is none of a client and its key, a key is short, or there is none.
    """
    if not path.is_file():
        raise MissingError(f"{path} is not a file; name one with a line `client: key` for each client")
    if path.stat().st_mode & 0o007:
        raise UsageError(f"{path} is open to everybody on this machine; run: chmod o-rwx {path}")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not text; write a line `client: key` for each client") from error
    keys = [
        _key(line.strip(), path, number)
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.strip().startswith("#")
    ]
    if not keys:
        raise UsageError(f"{path} has no key, so nobody could be let in; write a line `client: key` for each client")
    return tuple(keys)


def _key(line: str, path: Path, number: int) -> ApiKey:
    match = _LINE.fullmatch(line)
    if match is None:
        raise UsageError(f"{path}, line {number} is not `client: key`, both without spaces")
    if len(match["secret"]) < _LEAST:
        raise UsageError(
            f"{path}, line {number}: the key of {match['client']} has fewer than {_LEAST} characters; "
            "make one with: openssl rand -base64 24"
        )
    return ApiKey(match["client"], match["secret"])
