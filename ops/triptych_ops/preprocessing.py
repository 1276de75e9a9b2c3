"""The one definition of preprocessing: of weights, of the torch reference, of a release, of the server."""

import math
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from triptych import contract, image_formats
from triptych_ops.errors import UsageError

LARGEST_SIDE = 2**16 - 1  # pixels

_Side = Annotated[int, Field(gt=0, le=LARGEST_SIDE)]

Resize: TypeAlias = _Side | tuple[_Side, _Side]
"""Pixels of the shorter side, with the aspect ratio kept; or the exact (height, width), as torchvision's `Resize`."""

Interpolation = Literal["bilinear", "bicubic", "lanczos"]
"""The filters that torchvision, the server's resampler and DALI apply alike."""


class ImageLimits(BaseModel):
    """What the server accepts before it decodes a pixel."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    formats: list[str] = Field(default=list(image_formats.PILLOW_NAMES), min_length=1)  # Pillow's names
    max_bytes: int = Field(default=contract.MAX_IMAGE_BYTES, gt=0, lt=2**31)
    max_pixels: int = Field(default=50_000_000, gt=0, lt=2**31)  # 150 MB decoded


class Preprocessing(BaseModel):
    """Encoded image -> normalised tensor: resize, cut out the centre, (x / 255 - mean) / std.

    The same definition makes training's transforms, the parity reference, and serving's
    `preprocessing.json`; mean and std go into the ONNX graph, so that the server passes uint8.

    A definition may give `crop_pct`, the crop as a share of the resized shorter side, instead of `resize`. It is read
    as timm reads it, and kept as the `resize` that follows from it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    resize: Resize
    crop: _Side  # pixels of each side of the centre crop
    interpolation: Interpolation
    mean: list[float] = Field(min_length=3, max_length=3)  # R, G, B in [0, 1]
    std: list[Annotated[float, Field(gt=0)]] = Field(min_length=3, max_length=3)
    limits: ImageLimits = ImageLimits()

    @model_validator(mode="before")
    @classmethod
    def _resize_from_crop_pct(cls, fields: Any) -> Any:
        if not isinstance(fields, dict) or "crop_pct" not in fields:
            return fields
        if "resize" in fields:
            raise ValueError("resize and crop_pct both say how large the resized image is; leave one of them out")
        if "crop" not in fields:
            raise ValueError("crop_pct is a share of crop, and crop is missing")
        rest = {name: value for name, value in fields.items() if name != "crop_pct"}
        try:
            crop = _crop(fields["crop"])
        except ValueError as error:
            raise ValueError(f"crop: {error}") from error
        return rest | {"resize": resize_of_crop_pct(crop, fields["crop_pct"])}

    @field_validator("resize", mode="before")
    @classmethod
    def _resize_is_one_side_or_two(cls, value: Any) -> Any:
        sides = _sides(value)
        if sides is None or len(sides) > 2:
            raise ValueError(
                f"{_shown(value)} is neither the pixels of the shorter side nor an exact [height, width]; "
                f"each is 1 to {LARGEST_SIDE} pixels"
            )
        return sides[0] if len(sides) == 1 else sides

    @field_validator("crop", mode="before")
    @classmethod
    def _crop_is_square(cls, value: Any) -> int:
        return _crop(value)

    @model_validator(mode="after")
    def _crop_fits(self) -> "Preprocessing":
        require_crop_fits(self.resize, self.crop)
        return self

    @property
    def resize_words(self) -> str:
        """The resizing for people: "shorter side to 256 pixels" or "exactly 224 x 224 pixels, height x width"."""
        if isinstance(self.resize, int):
            return f"shorter side to {self.resize:,} pixels"
        height, width = self.resize
        return f"exactly {height:,} x {width:,} pixels" + (", height x width" if height != width else "")

    def adjusted(
        self,
        *,
        crop: int | None = None,
        resize: Resize | None = None,
        crop_pct: float | None = None,
        interpolation: Interpolation | None = None,
    ) -> "Preprocessing":
        """Return this definition with what the user chooses in its place.

        crop:     pixels of each side of the network's input; without `resize` and `crop_pct` the resizing is scaled by
                  the same factor
        resize:   as the field
        crop_pct: crop as a share of the resized side, at most 1; an exact size stays exact, and becomes square

        Raises:
            UsageError: the crop is larger than the resized image.
        """
        side = crop or self.crop
        if resize is None and crop_pct is not None:
            shorter = resize_of_crop_pct(side, crop_pct)
            resize = shorter if isinstance(self.resize, int) else (shorter, shorter)
        elif resize is None:
            resize = scaled_resize(self.resize, side / self.crop, least=side)
        changed = {"resize": resize, "crop": side, "interpolation": interpolation or self.interpolation}
        try:
            return Preprocessing.model_validate(dict(self) | changed)
        except ValidationError as error:
            raise UsageError(f"{reason(error)}; choose a larger --resize or a smaller --image-size") from error


def resize_of_crop_pct(crop: int, crop_pct: Any) -> int:
    """Return the pixels of the resized side of which `crop` is the share `crop_pct`, rounded down as timm does.

    Raises:
        ValueError: it is no number above 0 and at most 1, or the side would be too large.
    """
    if isinstance(crop_pct, bool) or not isinstance(crop_pct, int | float) or not 0 < crop_pct <= 1:
        raise ValueError(f"crop_pct {_shown(crop_pct)} is not above 0 and at most 1")
    if crop / crop_pct > LARGEST_SIDE:
        raise ValueError(f"crop_pct {crop_pct:g} of a crop of {crop} asks for more than {LARGEST_SIDE} pixels")
    return math.floor(crop / crop_pct)


def scaled_resize(resize: Resize, factor: float, *, least: int) -> Resize:
    """Return `resize` with each side multiplied by `factor` and rounded, and `least` pixels at least."""
    if isinstance(resize, int):
        return max(least, round(resize * factor))
    height, width = (max(least, round(side * factor)) for side in resize)
    return height, width


def require_crop_fits(resize: Resize, crop: int) -> None:
    """Check that a centre crop lies within the resized image.

    Raises:
        ValueError: it does not.
    """
    if crop > (resize if isinstance(resize, int) else min(resize)):
        shown = resize if isinstance(resize, int) else list(resize)
        raise ValueError(f"crop {crop} is larger than resize {shown}")


def reason(error: ValidationError) -> str:
    """Return what is wrong with a definition, in one line: the field, and why."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    cause = first.get("ctx", {}).get("error")  # of our own validators, without pydantic's "Value error, "
    return f"{where + ': ' if where else ''}{cause if isinstance(cause, ValueError) else first['msg']}"


def _sides(value: Any) -> tuple[int, ...] | None:
    """Return one number or several as a tuple; None where one of them is no number of pixels."""
    sides = tuple(value) if isinstance(value, list | tuple) else (value,)
    return sides if sides and all(type(side) is int and 0 < side <= LARGEST_SIDE for side in sides) else None


def _crop(value: Any) -> int:
    sides = _sides(value)
    if sides is None or len(sides) > 2:
        raise ValueError(f"{_shown(value)} is no number of pixels from 1 to {LARGEST_SIDE}")
    if len(set(sides)) > 1:
        raise ValueError(f"{_shown(value)} is not square; a release cuts out squares, so give one number of pixels")
    return sides[0]


def _shown(value: Any) -> str:
    text = str(list(value)) if isinstance(value, tuple) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
