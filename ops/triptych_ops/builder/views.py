"""Many varied images out of few photographs, for measuring where nobody gave images.

A view is a part of a photograph, mirrored or not, in another light, at another size, encoded as services
encode. The same seed gives the same views; another seed gives others, so that what was calibrated on is
not what is measured on.
"""

from collections.abc import Sequence
from pathlib import Path
from random import Random

from PIL import Image, ImageEnhance, ImageOps

from triptych.image_formats import FORMATS, JPEG
from triptych_ops.decoding import decode
from triptych_ops.photographs import SCENES, Photograph

_AREA = (0.3, 1.0)  # of the photograph
_ASPECT = (3 / 4, 4 / 3)  # of a view, before it is cut to fit
_LIGHT = (0.7, 1.3)  # factor of brightness, of contrast and of colour
_SHORTER_SIDE = (180, 480)  # pixels
_QUALITY = (60, 95)  # of a JPEG or WebP
_SUFFIXES = (*[JPEG.suffix] * 8, *(each.suffix for each in FORMATS if each is not JPEG))


def write_views(folder: Path, *, count: int, seed: int, scenes: Sequence[Photograph] = SCENES) -> list[Path]:
    """Write `count` views into `folder`, the same of every photograph's, and return their paths."""
    random = Random(seed)  # noqa: S311  repeatable, not secret
    photographs = [_read(scene) for scene in scenes]
    paths = []
    for index in range(count):
        scene = scenes[index % len(scenes)]
        path = folder / f"{index:04d}-{Path(scene.name).stem}{random.choice(_SUFFIXES)}"
        view = _view(photographs[index % len(scenes)], random)
        view.save(path, quality=random.randint(*_QUALITY), compress_level=1)
        paths.append(path)
    return paths


def _read(scene: Photograph) -> Image.Image:
    return decode(scene.path.read_bytes())


def _view(photograph: Image.Image, random: Random) -> Image.Image:
    area = random.uniform(*_AREA) * photograph.width * photograph.height
    aspect = random.uniform(*_ASPECT)
    width = min(photograph.width, round((area * aspect) ** 0.5))
    height = min(photograph.height, round((area / aspect) ** 0.5))
    left, top = random.randint(0, photograph.width - width), random.randint(0, photograph.height - height)
    view = photograph.crop((left, top, left + width, top + height))
    if random.random() < 0.5:
        view = ImageOps.mirror(view)
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        view = enhance(view).enhance(random.uniform(*_LIGHT))
    scale = random.randint(*_SHORTER_SIDE) / min(view.size)
    return view.resize((round(view.width * scale), round(view.height * scale)), Image.Resampling.BICUBIC)
