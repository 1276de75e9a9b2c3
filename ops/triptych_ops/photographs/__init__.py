"""Photographs that travel with the tooling: the demo shows some, every build is measured on them and their views."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from triptych_ops.decoding import decode

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
"""Shown by the demo; their answers are a release's golden answers."""

SCENES = (
    *PHOTOGRAPHS,
    Photograph("astronaut.jpg", "NASA, public domain"),
    Photograph("brick.jpg", "CC0 Textures, CC0"),
    Photograph("camera.jpg", "Lav Varshney, CC0"),
    Photograph("gravel.jpg", "CC0 Textures, CC0"),
    Photograph("hopper.jpg", "James S. Davis, United States Navy, public domain"),
)
"""What views are cut from."""


def enlarged(folder: Path) -> Path:
    """A JPEG of a photograph, as large as cameras make them, written into `folder`.

    The server decodes it at a reduced DCT scale, which none of the bundled files is large enough for.
    """
    path = folder / "coffee.jpg"
    image = decode(PHOTOGRAPHS[1].path.read_bytes())
    size = (image.width * _ENLARGEMENT, image.height * _ENLARGEMENT)
    image.resize(size, Image.Resampling.BICUBIC).save(path, quality=90)
    return path
