"""Photographs that travel with the tooling: the demo shows them, every build is measured on them."""

from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Photograph:
    """A bundled photograph; all are free of rights."""

    name: str
    credit: str

    @property
    def path(self) -> Path:
        """Its file."""
        return _FOLDER / self.name


PHOTOGRAPHS = (
    Photograph("chelsea.png", "Stefan van der Walt, CC0"),
    Photograph("coffee.png", "Rachel Michetti, CC0"),
    Photograph("rocket.jpg", "SpaceX, public domain"),
)
