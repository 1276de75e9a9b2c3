"""A mix of pictures: described in a table, made once, drawn from by weight."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from loadtests.errors import PicturesError

from .folder import read_folder
from .invalid import INVALID
from .making import FORMATS, made

_KIND = re.compile(r"(\w+):(\d+)x(\d+)(?:=([\d.]+))?")
_MOST_SIDE = 16_000  # pixels; what any encoder here makes
_DRAWN_AT_ONCE = 4096


class Picture(NamedTuple):
    """An encoded picture; an invalid one is to be refused by the server."""

    name: str
    data: bytes
    is_invalid: bool = False


class Kind(NamedTuple):
    """Pictures of one format and size, in pixels; `weight` against the other kinds'."""

    format: str
    width: int
    height: int
    weight: float = 1.0

    @property
    def name(self) -> str:
        """As `jpeg-500x375`."""
        return f"{self.format}-{self.width}x{self.height}"


MIXES: Final[Mapping[str, tuple[Kind, ...]]] = {
    # What most of ImageNet measures: for figures that are compared with others.
    "typical": (Kind("jpeg", 500, 375),),
    # What a service is sent: photographs off the web, now and then one as a camera made it.
    "web": (
        Kind("jpeg", 500, 375, 60),
        Kind("jpeg", 1280, 960, 20),
        Kind("webp", 800, 600, 10),
        Kind("png", 500, 375, 8),
        Kind("jpeg", 4000, 3000, 2),
    ),
    "thumbnails": (Kind("jpeg", 160, 120, 3), Kind("webp", 160, 120, 1)),
    "camera": (Kind("jpeg", 4000, 3000),),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MixDescription:
    """What to send, before it is made.

    kinds:     made by us; none where `folder` is given
    folder:    of the user's own, each file as often as the others
    invalid_share: of the requests, 0 to 1, whose images are invalid, so that the server has to refuse them
    """

    kinds: tuple[Kind, ...] = MIXES["typical"]
    folder: str | None = None
    invalid_share: float = 0.0

    @classmethod
    def named(cls, text: str, *, invalid_share: float = 0.0) -> "MixDescription":
        """The mix of that name in `MIXES`, else the folder there."""
        if text in MIXES:
            return cls(kinds=MIXES[text], invalid_share=invalid_share)
        return cls(folder=str(Path(text).resolve()), invalid_share=invalid_share)

    def made(self) -> "Mix":
        """The mix, with its pictures.

        Raises:
            NoPicturesError: the folder cannot be read, or holds no picture.
            PicturesError: the share is none.
        """
        if not 0 <= self.invalid_share <= 1:
            raise PicturesError(f"{self.invalid_share:g} is no share of invalid images; name one from 0 to 1")
        good = (1.0 - self.invalid_share) or 0.0
        if self.folder is not None:
            files = read_folder(Path(self.folder))
            weighted = [(Picture(name, data), good / len(files)) for name, data in files.items()]
        else:
            total = sum(kind.weight for kind in self.kinds)
            weighted = [
                (Picture(kind.name, made(kind.format, kind.width, kind.height)), good * kind.weight / total)
                for kind in self.kinds
            ]
        if self.invalid_share:
            weighted += [
                (Picture(name, data, is_invalid=True), self.invalid_share / len(INVALID))
                for name, data in INVALID.items()
            ]
        return Mix([picture for picture, _ in weighted], [weight for _, weight in weighted])

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "MixDescription":
        """The inverse of `document`."""
        return cls(**{**document, "kinds": tuple(Kind(*kind) for kind in document["kinds"])})


class Mix:
    """Pictures and the share of each."""

    def __init__(self, pictures: Sequence[Picture], shares: Sequence[float]) -> None:
        self.pictures = tuple(pictures)
        self._shares = tuple(shares)

    @property
    def shares(self) -> dict[str, float]:
        """Name -> share of the requests."""
        return {picture.name: share for picture, share in zip(self.pictures, self._shares, strict=True)}

    def drawn(self, seed: int | tuple[int, ...]) -> Iterator[Picture]:
        """Pictures without end, each as often as its share; the same for the same seed."""
        random = np.random.default_rng(seed)
        while True:
            for index in random.choice(len(self.pictures), size=_DRAWN_AT_ONCE, p=self._shares).tolist():
                yield self.pictures[index]


def kind_from_text(text: str) -> Kind:
    """Read `FORMAT:WIDTHxHEIGHT` or `FORMAT:WIDTHxHEIGHT=WEIGHT`.

    Raises:
        PicturesError: it says something else.
    """
    found = _KIND.fullmatch(text)
    if found is None or found[1] not in FORMATS:
        raise PicturesError(
            f"{text!r} is no kind of picture; write FORMAT:WIDTHxHEIGHT=WEIGHT, as jpeg:500x375=3, "
            f"with {', '.join(FORMATS)}"
        )
    try:
        kind = Kind(found[1], int(found[2]), int(found[3]), float(found[4] or 1))
    except ValueError as error:
        raise PicturesError(f"{text!r}: {found[4]} is no weight; write a number above 0") from error
    if not (0 < kind.width <= _MOST_SIDE and 0 < kind.height <= _MOST_SIDE and kind.weight > 0):
        raise PicturesError(f"{text!r}: sides are 1 to {_MOST_SIDE} pixels, and weights above 0")
    return kind
