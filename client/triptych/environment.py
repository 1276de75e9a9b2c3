"""Settings that nobody gave by keyword: the environment's, else the default.

    TRIPTYCH_URL          the server, or several with commas between them
    TRIPTYCH_TIMEOUT      seconds that one request may take
    TRIPTYCH_TOP_K        the most classes of an answer
    TRIPTYCH_SHRINK       yes or no, or the pixels that the shorter side keeps
    TRIPTYCH_FETCH_URLS   yes or no
    TRIPTYCH_RETRY, TRIPTYCH_BACK_OFF, TRIPTYCH_EJECTION, TRIPTYCH_BREAKER, TRIPTYCH_KEEPALIVE, TRIPTYCH_HEDGING
                          `off`, or settings of that piece: `attempts=2,base_s=0.1`

Those that the `triptych` command has, too, mean the same to it. An empty variable says nothing.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final, TypeVar

from .config import BackOff, Breaker, Ejection, Hedging, Keepalive, Resilience, Retry
from .endpoint import Endpoint
from .errors import InvalidSettingError, InvalidUrlError
from .settings import (
    DEFAULT_TIMEOUT_S,
    NOT_GIVEN,
    FetchUrls,
    NotGiven,
    Options,
    Shrink,
    classes,
    fetching,
    pixels,
    seconds,
)

Value = TypeVar("Value")
Number = TypeVar("Number", int, float)

DEFAULT_URL: Final = "grpc://localhost:8001"  # Triton's own port

_URL = "TRIPTYCH_URL"
_OFF = "off"
_SWITCHES: Mapping[str, bool] = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
_PIECES: Mapping[str, type[Any]] = {
    "retry": Retry,
    "back_off": BackOff,
    "ejection": Ejection,
    "breaker": Breaker,
    "keepalive": Keepalive,
    "hedging": Hedging,
}

VARIABLES: Final = (
    _URL,
    *(f"TRIPTYCH_{name}" for name in ("TIMEOUT", "TOP_K", "SHRINK", "FETCH_URLS")),
    *(f"TRIPTYCH_{name.upper()}" for name in _PIECES),
)
"""Names of all variables that a client reads."""


def endpoints(url: str | Sequence[str] | NotGiven) -> tuple[Endpoint, ...]:
    """The servers; of one text, what lies between its commas.

    Raises:
        InvalidUrlError: a URL cannot be read.
        ValueError: there is none.
    """
    if not isinstance(url, NotGiven):
        return Endpoint.from_urls(_split(url) if isinstance(url, str) else url)
    try:
        return Endpoint.from_urls(_split(_text(_URL) or DEFAULT_URL))
    except InvalidUrlError as error:
        raise InvalidUrlError(f"{_URL} in the environment: {error}") from error


def options(
    *,
    timeout_s: float | NotGiven,
    top_k: int | NotGiven | None,
    shrink: Shrink | NotGiven,
    fetch_urls: FetchUrls | NotGiven,
) -> Options:
    """What a new client's calls take.

    Raises:
        ValueError: one is out of range.
        InvalidSettingError: a variable cannot be read.
    """
    given = fetch_urls if isinstance(fetch_urls, NotGiven) else fetching(fetch_urls)
    return Options(
        timeout_s=chosen(timeout_s, "TRIPTYCH_TIMEOUT", lambda text: seconds(_number(text, float)), DEFAULT_TIMEOUT_S),
        top_k=chosen(top_k, "TRIPTYCH_TOP_K", lambda text: classes(_number(text, int)), None),
        shrink=chosen(shrink, "TRIPTYCH_SHRINK", lambda text: pixels(_switch_or_pixels(text)), default=False),
        fetching=chosen(given, "TRIPTYCH_FETCH_URLS", lambda text: fetching(switch(text)), None),
    )


def resilience(given: Resilience | NotGiven) -> Resilience:
    """What a new client does about failure.

    Raises:
        InvalidSettingError: a variable cannot be read.
    """
    if not isinstance(given, NotGiven):
        return given
    standard = Resilience()

    def piece(name: str, kind: type[Any]) -> Any:
        return chosen(NOT_GIVEN, f"TRIPTYCH_{name.upper()}", lambda text: _piece(kind, text), getattr(standard, name))

    return Resilience(**{name: piece(name, kind) for name, kind in _PIECES.items()})


def chosen(given: Value | NotGiven, variable: str, read: Callable[[str], Value], default: Value) -> Value:
    """What was given; else what the variable says; else the default.

    Raises:
        InvalidSettingError: `read` raised a ValueError for what the variable says; the message names it.
    """
    if not isinstance(given, NotGiven):
        return given
    text = _text(variable)
    if not text:
        return default
    try:
        return read(text)
    except ValueError as error:
        raise InvalidSettingError(f"{variable}={text} in the environment: {error}") from error


def switch(text: str) -> bool:
    """What a variable says that is yes or no.

    Raises:
        ValueError: it is neither.
    """
    if text.lower() not in _SWITCHES:
        raise ValueError(f"write one of {', '.join(_SWITCHES)}")
    return _SWITCHES[text.lower()]


def _text(variable: str) -> str:
    return os.environ.get(variable, "").strip()


def _split(urls: str) -> list[str]:
    return [url.strip() for url in urls.split(",")]


def _number(text: str, kind: type[Number]) -> Number:
    try:
        return kind(text)
    except ValueError:
        raise ValueError("write a whole number" if kind is int else "write a number") from None


def _switch_or_pixels(text: str) -> Shrink:
    # 0 and 1 are a switch here as elsewhere: nobody wants a picture of one pixel.
    return switch(text) if text.lower() in _SWITCHES or not text.isdecimal() else int(text)


def _piece(kind: type[Any], text: str) -> Any:
    if text.lower() == _OFF:
        return None
    types = {field.name: int if field.type in (int, "int") else float for field in fields(kind)}
    values: dict[str, float] = {}
    for part in text.split(","):
        name, _, value = (word.strip() for word in part.partition("="))
        if name not in types:
            raise ValueError(f"write off, or NAME=VALUE with commas between; the names are {', '.join(types)}")
        values[name] = _number(value, types[name])
    try:
        return kind(**values)
    except TypeError:  # Hedging has no default
        raise ValueError(f"it needs {', '.join(sorted(types.keys() - values.keys()))}") from None
