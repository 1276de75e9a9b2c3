"""What a card is made of, alike for every form: plain data without markup.

Text is a run, or a tuple of runs. A `str` is prose, the author's or foreign, and escaped by the form.
"""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias


@dataclass(frozen=True, slots=True)
class Code:
    """A name, a path or a digest: set in a fixed width."""

    text: str


@dataclass(frozen=True, slots=True)
class Label:
    """A label in whatever script and direction."""

    text: str


@dataclass(frozen=True, slots=True)
class Verbatim:
    """A line of a command, shown exactly."""

    text: str


Run: TypeAlias = str | Code | Label | Verbatim
Text: TypeAlias = Run | tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Prose."""

    kind: ClassVar[str] = "paragraph"
    text: Text


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list without an order."""

    kind: ClassVar[str] = "bullets"
    items: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Commands:
    """Lines for a shell."""

    kind: ClassVar[str] = "commands"
    lines: tuple[Verbatim, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The first cell of a row names the row."""

    kind: ClassVar[str] = "table"
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Text, ...], ...]
    numeric: frozenset[int] = frozenset()  # columns of numbers


@dataclass(frozen=True, slots=True)
class Prediction:
    """One row of a golden answer."""

    class_id: str
    label: Label
    score: str
    percent: str  # 0 to 100, the length of its bar


@dataclass(frozen=True, slots=True)
class Golden:
    """A photograph and what the release answered to it."""

    kind: ClassVar[str] = "golden"
    image: str
    sha256: str
    credit: str | None  # None where the photograph is not a bundled one
    predictions: tuple[Prediction, ...]

    @property
    def digest(self) -> Code:
        """The SHA-256 as it is shown."""
        return Code(self.sha256)


Block: TypeAlias = Paragraph | Bullets | Commands | Table | Golden


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the card with a heading."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """The whole document."""

    title: str
    summary: Text
    highlights: tuple[tuple[str, Text], ...]  # (what, figure): what a reader looks for first
    sections: tuple[Section, ...]
