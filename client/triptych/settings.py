"""What calls take unless they say otherwise: frozen, checked when made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from importlib.util import find_spec
from typing import Final, TypeAlias, TypeVar

from .inputs.fetching import Fetching
from .transports.headers import NO_HEADERS, checked

Value = TypeVar("Value")


class NotGiven(Enum):
    """What a keyword is before anybody gives it a value; None is a value."""

    NOT_GIVEN = "not given"

    def __repr__(self) -> str:
        return self.value


NOT_GIVEN: Final = NotGiven.NOT_GIVEN

DEFAULT_TIMEOUT_S: Final = 10.0  # a hundred times a usual answer, and still a time that people wait
LONGEST_TIMEOUT_S: Final = 86400.0  # a day: more is a mistake, and sockets take no number whatever

Shrink: TypeAlias = bool | int
"""Whether large photographs are sent smaller; a number says how many pixels the shorter side keeps."""

FetchUrls: TypeAlias = bool | Fetching


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The settings of a client, or of a view of it.

    top_k:    None for all that the release computes
    fetching: None where no URL is fetched

    Raises:
        ValueError: one of them is out of range.
    """

    timeout_s: float = DEFAULT_TIMEOUT_S
    top_k: int | None = None
    shrink: Shrink = False
    fetching: Fetching | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        seconds(self.timeout_s)
        classes(self.top_k)
        pixels(self.shrink)
        object.__setattr__(self, "headers", checked(self.headers))

    def with_changes(
        self,
        *,
        timeout_s: float | NotGiven,
        top_k: int | NotGiven | None,
        shrink: Shrink | NotGiven,
        fetch_urls: FetchUrls | NotGiven,
        headers: Mapping[str, str] | NotGiven,
    ) -> "Options":
        """The same but for what is given. Headers are added to those that there are.

        Raises:
            ValueError: one is out of range.
        """
        return Options(
            timeout_s=given_or(timeout_s, self.timeout_s),
            top_k=given_or(top_k, self.top_k),
            shrink=given_or(shrink, self.shrink),
            fetching=self.fetching if fetch_urls is NOT_GIVEN else fetching(fetch_urls),
            headers={**self.headers, **checked(given_or(headers, NO_HEADERS))},
        )


def given_or(value: Value | NotGiven, otherwise: Value) -> Value:
    """`value`, where it is given."""
    return otherwise if isinstance(value, NotGiven) else value


def seconds(timeout_s: float) -> float:
    """`timeout_s`, checked.

    Raises:
        ValueError: it is no positive number of seconds, or longer than a day.
    """
    if not 0 < timeout_s <= LONGEST_TIMEOUT_S:
        message = f"timeout_s must be a positive number of seconds, at most {LONGEST_TIMEOUT_S:g}, not {timeout_s}"
        raise ValueError(message)
    return timeout_s


def classes(top_k: int | None) -> int | None:
    """`top_k`, checked.

    Raises:
        ValueError: it is below 1.
    """
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k must be at least 1, not {top_k}")
    return top_k


def pixels(shrink: Shrink) -> Shrink:
    """`shrink`, checked.

    Raises:
        ValueError: it is a number below 1, or Pillow is missing.
    """
    if shrink is not False and shrink < 1:
        raise ValueError(f"shrink must be true, false or the pixels of the shorter side, not {shrink}")
    if shrink is not False and find_spec("PIL") is None:
        raise ValueError("shrink needs Pillow: pip install 'triptych[images]'")
    return shrink


def fetching(fetch_urls: FetchUrls) -> Fetching | None:
    """How URLs are fetched; None where they are not."""
    if isinstance(fetch_urls, Fetching):
        return fetch_urls
    return Fetching() if fetch_urls else None
