"""Encoded images -> tensors, by torchvision's own transforms: what training and the reference see alike."""

from pathlib import Path

import torch
from PIL import Image
from torchvision import transforms

from triptych_ops import decoding
from triptych_ops.errors import RefusedError
from triptych_ops.preprocessing import ImageLimits, Preprocessing


class Images:
    """The transforms of one definition of preprocessing."""

    def __init__(self, definition: Preprocessing) -> None:
        self._limits = definition.limits
        self._resize = transforms.Resize(definition.resize, transforms.InterpolationMode(definition.interpolation))
        self._crop = transforms.CenterCrop(definition.crop)
        self._normalise = transforms.Compose(
            [transforms.ToTensor(), transforms.Normalize(definition.mean, definition.std)]
        )

    def cut(self, source: Path | bytes, *, name: str) -> Image.Image:
        """Decoded, upright, in RGB, resized and cropped to S x S pixels; `name` is what errors call the image.

        Raises:
            RefusedError: it cannot be decoded.
        """
        return self.centre(self.resized(source, name=name))

    def resized(self, source: Path | bytes, *, name: str) -> Image.Image:
        """As `cut`, but whole: resized as the definition says.

        Raises:
            RefusedError: it cannot be decoded.
        """
        image = decode(source, name=name, limits=self._limits)
        try:
            resized: Image.Image = self._resize(image)
        except (MemoryError, ValueError) as error:  # a strip whose other side would be enormous
            raise RefusedError(f"{name} cannot be resized from {image.width} x {image.height}; take it out") from error
        return resized

    def centre(self, image: Image.Image) -> Image.Image:
        """The centre of a resized image."""
        centre: Image.Image = self._crop(image)
        return centre

    def normalised(self, image: Image.Image) -> torch.Tensor:  # -> (3, S, S) float32
        """A cut image as the network takes it."""
        tensor: torch.Tensor = self._normalise(image)
        return tensor


def decode(source: Path | bytes, *, name: str, limits: ImageLimits | None = None) -> Image.Image:
    """The whole image in RGB, upright, as `triptych_ops.decoding` says; `name` is what errors call it.

    Raises:
        RefusedError: it cannot be read, or a server with these limits refuses it.
    """
    try:
        body = source if isinstance(source, bytes) else source.read_bytes()
        return decoding.decode(body, limits=limits or ImageLimits())
    except OSError as error:
        raise RefusedError(f"{name} cannot be read: {error.strerror or error}; take it out") from error
    except decoding.ImageRejectedError as error:
        raise RefusedError(f"{name} cannot be used: {error}; take it out") from error
