"""What a page has besides a card's blocks."""

from dataclasses import dataclass
from typing import ClassVar

from triptych_ops.card.blocks import Label


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing; its words are the caption."""

    kind: ClassVar[str] = "plot"
    caption: str
    svg: str


@dataclass(frozen=True, slots=True)
class Confusion:
    """An image that was taken for another class."""

    image: str
    picture: str  # data URL
    true: Label
    answered: Label
    score: str


@dataclass(frozen=True, slots=True)
class Confusions:
    """Images that were confused, the surest error first."""

    kind: ClassVar[str] = "confusions"
    items: tuple[Confusion, ...]
