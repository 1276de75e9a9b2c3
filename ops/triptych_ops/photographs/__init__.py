"""Photographs that travel with the tooling: the demo shows them, every build is measured on them."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

_FOLDER = Path(__file__).parent
_ENLARGEMENT = 4


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


def enlarged(folder: Path) -> Path:
    """A JPEG of a photograph, as large as cameras make them, written into `folder`.

    The server decodes it at a reduced DCT scale, which none of the bundled files is large enough for.
    """
    path = folder / "coffee.jpg"
    with Image.open(PHOTOGRAPHS[1].path) as image:
        size = (image.width * _ENLARGEMENT, image.height * _ENLARGEMENT)
        image.convert("RGB").resize(size, Image.Resampling.BICUBIC).save(path, quality=90)
    return path
