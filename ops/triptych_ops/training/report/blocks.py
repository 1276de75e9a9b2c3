"""What a page has besides a card's blocks."""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from triptych_ops.card import blocks
from triptych_ops.card.blocks import Label, Text


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


Block: TypeAlias = blocks.Block | Plot | Confusions


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page with a heading."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The whole document."""

    title: str
    summary: Text
    highlights: tuple[tuple[str, Text], ...]  # (what, figure): what a reader looks for first
    sections: tuple[Section, ...]
