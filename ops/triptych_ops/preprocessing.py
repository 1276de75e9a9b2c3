"""The one definition of preprocessing: of weights, of the torch reference, of a release, of the server."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from triptych import contract, image_formats


class ImageLimits(BaseModel):
    """What the server accepts before it decodes a pixel."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    formats: list[str] = Field(default=list(image_formats.PILLOW_NAMES), min_length=1)  # Pillow's names
    max_bytes: int = Field(default=contract.MAX_IMAGE_BYTES, gt=0, lt=2**31)
    max_pixels: int = Field(default=50_000_000, gt=0, lt=2**31)  # 150 MB decoded


class Preprocessing(BaseModel):
    """Encoded image -> normalised tensor: resize the shorter side, cut out the centre, (x / 255 - mean) / std.

    The same definition makes training's transforms, the parity reference, and serving's
    `preprocessing.json`; mean and std go into the ONNX graph, so that the server passes uint8.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    resize: int = Field(gt=0, lt=2**16)  # pixels of the shorter side
    crop: int = Field(gt=0, lt=2**16)  # pixels of each side of the centre crop
    interpolation: Literal["bilinear", "bicubic"]
    mean: list[float] = Field(min_length=3, max_length=3)  # R, G, B in [0, 1]
    std: list[Annotated[float, Field(gt=0)]] = Field(min_length=3, max_length=3)
    limits: ImageLimits = ImageLimits()

    @model_validator(mode="after")
    def _crop_fits(self) -> "Preprocessing":
        if self.crop > self.resize:
            raise ValueError(f"crop {self.crop} is larger than resize {self.resize}")
        return self
