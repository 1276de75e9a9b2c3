"""Trained weights with all that is needed to use them rightly: network, preprocessing, labels."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from triptych_ops.errors import RefusedError, UsageError
from triptych_ops.preprocessing import Interpolation, Preprocessing, Resize

from .architectures import find_architecture
from .checkpoint import read_checkpoint
from .definitions import IMAGENET, resolve
from .labels import read_labels
from .networks import load_network, split
from .weights_files import WeightsFile, weights_file

LEAST_CLASSES = 2
"""A release ranks classes, so there must be some to rank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A trained network with what it needs to be used rightly.

    backbone: (N, 3, S, S) float32 -> (N, D) float32, the penultimate features
    head:     (N, D) float32 -> (N, C) float32, the logits
    """

    architecture: str
    file: WeightsFile
    key: str | None  # which weights of the file these are; None: all that it holds
    definition: str  # whose preprocessing it is
    backbone: torch.nn.Module
    head: torch.nn.Module
    labels: tuple[str, ...]
    preprocessing: Preprocessing
    notes: tuple[str, ...] = ()  # a line each that the user should know of


def load(
    architecture: str,
    *,
    weights: Path | None = None,
    key: str | None = None,
    labels: Path | None = None,
    definition: str | None = None,
    licence: str | None = None,
) -> Weights:
    """Load an architecture that `find_architecture` knows, with the weights of a file or of their package.

    `key` names one of several sets of weights in the file (see `choose_state`). The number of classes is the head's in
    the file. Without `labels` they are those of the weights: their own safetensors metadata, the `config.json` beside
    them, else ImageNet's, where the definition is a published one and there are 1,000 classes.
    `definition` names the preprocessing; without it, it is the weights' own (see `definitions.resolve`).

    Raises:
        MissingError: there is no such architecture, file, key or definition.
        UsageError: the architecture needs a file, what was named is no file, or several sets of weights fit.
        RefusedError: the file is damaged, unsafe or of another network; there is one class alone, or labels and
            classes differ in number.
    """
    found = find_architecture(architecture)
    file = weights_file(architecture, weights, licence)
    own_labels = read_labels(labels) if labels else None
    checkpoint = read_checkpoint(file.path)
    resolved = resolve(found, checkpoint, named=definition, labelled=own_labels is not None)
    loaded = load_network(found, checkpoint, of_torchvision=resolved.of_torchvision, key=key)
    classes = loaded.classes
    if classes < LEAST_CLASSES:
        raise RefusedError(
            f"{found.title} in {file.path.name} gives one number an image, and a single class cannot be ranked; "
            "train it with an output for each of at least two classes, such as `no` and `yes`"
        )
    texts = own_labels if own_labels is not None else resolved.labels
    if texts is None or (texts is IMAGENET and classes != len(IMAGENET)):
        raise RefusedError(f"{file.path} names none of its {classes} classes; give their labels with --labels")
    if len(texts) != classes:
        cure = f"give one a class with --labels, in the order of the outputs of {file.path.name}"
        raise RefusedError(f"{len(texts)} labels for {classes} outputs of {found.title}; {cure}")
    backbone, head = split(loaded.network, loaded.head_name, side=resolved.preprocessing.crop)
    return Weights(
        architecture=found.title,
        file=file,
        key=loaded.key,
        definition=resolved.name,
        backbone=backbone,
        head=head,
        labels=texts,
        preprocessing=resolved.preprocessing,
        notes=(*loaded.notes, *resolved.notes),
    )


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
