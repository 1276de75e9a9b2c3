"""Options of `build` and `train` that change how images are resized and cropped."""

import re
from collections.abc import Callable
from typing import Any, TypeVar, get_args

import click

from triptych_ops.preprocessing import LARGEST_SIDE, Interpolation, Resize, require_crop_fits

_PIXELS = re.compile("[1-9][0-9]{0,4}")
_Command = TypeVar("_Command", bound=Callable[..., Any])


class _ResizeType(click.ParamType["Resize"]):
    """Pixels of the shorter side, or an exact height and width with a comma between them."""

    name = "resize"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Resize:
        """Return one number of pixels, or two."""
        if isinstance(value, tuple):  # click converts its own result once more
            return value
        words = [word.strip() for word in str(value).split(",")]
        match [int(word) for word in words if _PIXELS.fullmatch(word)]:
            case [side] if len(words) == 1 and side <= LARGEST_SIDE:
                return side
            case [height, width] if len(words) == 2 and max(height, width) <= LARGEST_SIDE:
                return height, width
        choice = "the pixels of the shorter side (256) nor an exact HEIGHT,WIDTH (224,224)"
        raise click.BadParameter(f"{value!r} is neither {choice}", ctx, param)


def preprocessing_options(command: _Command) -> _Command:
    """Give a command `--resize`, `--crop-pct`, `--image-size` and `--interpolation`; None where they are left out."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def require_consistent(
    *, resize: Resize | None, crop_pct: float | None, image_size: int | None, **_others: Any
) -> None:
    """Check the options against each other, as far as that is possible without the weights.

    Raises:
        click.UsageError: they contradict each other.
    """
    if resize is not None and crop_pct is not None:
        raise click.UsageError("--resize and --crop-pct both say how large the resized image is; leave one of them out")
    if resize is not None and image_size is not None:
        try:
            require_crop_fits(resize, image_size)
        except ValueError as error:
            message = f"{error}; choose a larger --resize or a smaller --image-size"
            raise click.UsageError(message) from error


_OPTIONS = (
    click.option(
        "--image-size",
        type=click.IntRange(8, 2048),
        help="Pixels of each side of the network's input, the centre of the resized image.  [default: as the weights]",
    ),
    click.option(
        "--resize",
        type=_ResizeType(),
        metavar="SIDE|HEIGHT,WIDTH",
        help="Resize the shorter side to SIDE pixels, or the whole image to exactly HEIGHT,WIDTH: 224,224 is "
        "torchvision's Resize((224, 224)).  [default: as the weights]",
    ),
    click.option(
        "--crop-pct",
        type=click.FloatRange(0, 1, min_open=True),
        metavar="SHARE",
        help="Instead of --resize: the network's input as a share of the resized side, as timm's crop_pct.  "
        "[default: as the weights]",
    ),
    click.option(
        "--interpolation",
        type=click.Choice(get_args(Interpolation)),
        help="Filter of the resizing.  [default: as the weights]",
    ),
)
