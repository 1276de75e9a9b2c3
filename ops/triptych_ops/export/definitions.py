"""The preprocessing that weights were trained with, taken from whoever published them.

In this order: what the user names; what the file says of itself; the published weights whose name the file bears;
`config.json` of the Hub beside the file; the architecture's default. Whatever `Preprocessing` cannot express is
refused, never approximated.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import timm
import torchvision
from timm.data.config import resolve_data_config

from triptych_ops.errors import MissingError, RefusedError
from triptych_ops.preprocessing import Preprocessing, resize_of_crop_pct

from .architectures import Architecture
from .checkpoint import ARCHITECTURE_KEY, LABELS_KEY, PREPROCESSING_KEY, Checkpoint
from .definition_files import HUB_CONFIG, HubConfig, preprocessing_of_json, read_hub_config, read_preprocessing
from .labels import labels_of_json

IMAGENET = tuple(torchvision.models.ResNet50_Weights.DEFAULT.meta["categories"])
"""ImageNet's 1,000 classes, in words."""

_EXACT = {"center": False, "squash": True}
"""timm's crop modes -> whether both sides are resized, or the shorter one. Its third, "border", pads the image."""

_PUBLISHED_HASH = re.compile(r"-([0-9a-f]{8,})\.pth$")  # the start of the SHA-256, as torch.hub checks it


@dataclass(frozen=True, slots=True)
class Definition:
    """Preprocessing, who defines it, and labels where he names them."""

    name: str
    preprocessing: Preprocessing
    labels: tuple[str, ...] | None = None
    of_torchvision: bool = False  # published with torchvision, whose networks then may differ
    notes: tuple[str, ...] = ()  # a line each that the user should know of


# As in the original: bicubic, crop fraction 224 / (224 + 32), (x - 127) / 128.
# https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite
_OWN: Mapping[str, Definition] = MappingProxyType(
    {
        "efficientnet_lite0": Definition(
            "tensorflow/tpu efficientnet-lite0",
            Preprocessing(resize=256, crop=224, interpolation="bicubic", mean=[127 / 255] * 3, std=[128 / 255] * 3),
            IMAGENET,
        ),
        "lenet5": Definition(
            "LeNet-5", Preprocessing(resize=32, crop=32, interpolation="bilinear", mean=[0.5] * 3, std=[0.5] * 3)
        ),
    }
)


def resolve(
    architecture: Architecture, checkpoint: Checkpoint, *, named: str | None, labelled: bool = False
) -> Definition:
    """The definition that `checkpoint`'s weights were trained with; `named` is the user's choice.

    `named` is a torchvision entry (`IMAGENET1K_V2`, `ResNet50_Weights.IMAGENET1K_V2`), a tag of timm
    (`a1_in1k`), or a JSON file as `Preprocessing` dumps it. `labelled`: the user gives labels, so none are sought.

    Raises:
        MissingError: there is no definition of that name.
        RefusedError: it cannot be expressed, contradicts the file, or the file is not what its name says.
    """
    trained = checkpoint.metadata.get(ARCHITECTURE_KEY, architecture.title)
    if trained not in (architecture.title, architecture.name):
        message = f"{checkpoint.path} holds weights of {trained}, not of {architecture.title}; name that architecture"
        raise RefusedError(message)
    published = _published(architecture, checkpoint.path)  # in any case: a file must be what its name says
    definition = _named(architecture, named) if named is not None else _own(checkpoint) or published
    labels = None
    if LABELS_KEY in checkpoint.metadata:
        labels = labels_of_json(checkpoint.metadata[LABELS_KEY], source=f"{LABELS_KEY} in {checkpoint.path}")
    if definition and (labels or labelled or published):  # nothing is left for `config.json` to say
        return replace(definition, labels=labels or definition.labels)
    config, note = _hub_config(architecture, checkpoint.path)
    if config:
        read = []
        if definition is None:
            definition = _of_hub(config)
            read.append("the preprocessing")
        if not labels and not labelled and config.labels:
            labels = config.labels
            read.append("the labels")
        gives = f"gives {' and '.join(read)}" if read else "says nothing that is not given already"
        note = f"{config.path} {gives}"
    definition = definition or default(architecture)
    return replace(definition, labels=labels or definition.labels, notes=(note,) if note else ())


def _hub_config(architecture: Architecture, weights: Path) -> tuple[HubConfig | None, str | None]:
    """The configuration beside the weights, where it is of this network; else why it is ignored."""
    config, note = read_hub_config(weights)
    if config and config.architecture.partition(".")[0] != architecture.name:
        return None, f"{config.path} is ignored: it is of {config.title}, not of {architecture.title}"
    return config, note


def _of_hub(config: HubConfig) -> Definition:
    fields = config.pretrained.model_dump(exclude_none=True)
    source = f"{HUB_CONFIG} of {config.architecture}"
    labels = IMAGENET if config.classes == len(IMAGENET) else None  # as for published weights
    return Definition(source, _of_timm_config(fields, source=str(config.path)), labels)


def _named(architecture: Architecture, name: str) -> Definition:
    if name in (entries := _entries(architecture)):
        return _of_entry(entries[name])
    if architecture.library == "timm" and name.removeprefix(f"{architecture.name}.") in _tags(architecture):
        return _of_timm(architecture, name.removeprefix(f"{architecture.name}."))
    path = Path(name)
    if path.is_file():
        return Definition(path.name, read_preprocessing(path))
    choice = ", ".join([*(key for key in entries if "." in key), *_tags(architecture)])
    message = f"there is no definition {name!r} of {architecture.title}; choose {choice or 'none'} or a JSON file"
    raise MissingError(message)


def _own(checkpoint: Checkpoint) -> Definition | None:
    if PREPROCESSING_KEY not in checkpoint.metadata:
        return None
    source = f"{PREPROCESSING_KEY} in {checkpoint.path}"
    return Definition(
        checkpoint.path.name, preprocessing_of_json(checkpoint.metadata[PREPROCESSING_KEY], source=source)
    )


def _published(architecture: Architecture, path: Path) -> Definition | None:
    hashed = _PUBLISHED_HASH.search(path.name)
    for entry in _entries(architecture).values():
        if hashed and entry.url.endswith(f"/{path.name}"):
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if not digest.startswith(hashed[1]):
                raise RefusedError(f"{path} is not the published {entry}: its SHA-256 is another; download it again")
            return _of_entry(entry)
    return None


def default(architecture: Architecture) -> Definition:
    """The preprocessing of an architecture, where no weights say another.

    Raises:
        MissingError: timm has no weights of the architecture's tag.
        RefusedError: it cannot be expressed.
    """
    if architecture.library in ("own", "packaged"):
        return _OWN[architecture.name]
    if architecture.library == "torchvision":
        return _of_entry(_entries(architecture)["DEFAULT"])
    if architecture.tag and architecture.tag not in _tags(architecture):
        choice = ", ".join(_tags(architecture))
        raise MissingError(
            f"timm has no weights {architecture.tag!r} of {architecture.name}; choose {choice or 'none'}"
        )
    return _of_timm(architecture, architecture.tag)


def _entries(architecture: Architecture) -> Mapping[str, Any]:
    """Weights that torchvision published, by their short and their full names."""
    if architecture.library != "torchvision":
        return {}
    members = torchvision.models.get_model_weights(architecture.name).__members__
    return dict(members) | {str(entry): entry for entry in members.values()}


def _of_entry(entry: Any) -> Definition:
    transforms = entry.transforms()
    preprocessing = _preprocessing(
        str(entry),
        resize=list(transforms.resize_size),
        crop=list(transforms.crop_size),
        interpolation=transforms.interpolation.value,
        mean=transforms.mean,
        std=transforms.std,
    )
    return Definition(str(entry), preprocessing, IMAGENET, of_torchvision=True)


def _tags(architecture: Architecture) -> tuple[str, ...]:
    if architecture.library != "timm":
        return ()
    names = timm.list_pretrained(f"{architecture.name}.*")
    return tuple(name.partition(".")[2] for name in names if "." in name)


def _of_timm(architecture: Architecture, tag: str | None) -> Definition:
    name = f"{architecture.name}.{tag}" if tag else architecture.name
    published = timm.get_pretrained_cfg(name)
    if published is None:
        raise RefusedError(f"timm defines no preprocessing for {name}; give a JSON file with --definition")
    full_name = f"{architecture.name}.{published.tag}" if published.tag else name
    source = f"timm {full_name}"
    preprocessing = _of_timm_config(published.to_dict(), source=source)  # type: ignore[no-untyped-call]
    return Definition(source, preprocessing, IMAGENET if published.num_classes == len(IMAGENET) else None)


def _of_timm_config(fields: Mapping[str, Any], *, source: str) -> Preprocessing:
    """The preprocessing of timm's `pretrained_cfg`; what it leaves out has timm's defaults."""
    config = resolve_data_config({"in_chans": 3}, dict(fields))  # type: ignore[no-untyped-call]
    channels, *sides = config["input_size"]
    if channels != len(config["mean"]) or channels != 3:
        raise RefusedError(f"{source} takes {channels} channels, and images have 3")
    return preprocessing_of_timm(
        source, **{name: config[name] for name in ("crop_mode", "crop_pct", "interpolation", "mean", "std")}, crop=sides
    )


def preprocessing_of_timm(
    source: str, *, crop: Sequence[int], crop_pct: float, crop_mode: str, **fields: Any
) -> Preprocessing:
    """Return what timm's data configuration says; `fields` are its interpolation, mean and std, `crop` its sides.

    Both sides are resized to `crop / crop_pct` where timm squashes an image, else the shorter one.

    Raises:
        RefusedError: a release cannot do it.
    """
    if crop_mode not in _EXACT:
        raise RefusedError(f"{source} has the crop mode {crop_mode!r}; a release has {' and '.join(sorted(_EXACT))}")
    shorter = _preprocessing(source, crop=list(crop), crop_pct=crop_pct, **fields)
    if not _EXACT[crop_mode]:
        return shorter
    side = resize_of_crop_pct(shorter.crop, crop_pct)
    return shorter.model_copy(update={"resize": (side, side)})


def _preprocessing(source: str, **fields: Any) -> Preprocessing:
    fields |= {"mean": list(map(float, fields["mean"])), "std": list(map(float, fields["std"]))}
    return preprocessing_of_json(json.dumps(fields), source=source)
