"""Files that say how weights are to be used: our own JSON, and `config.json` of the Hugging Face Hub. Without torch.

timm writes `config.json` beside the weights (`timm.models.save_for_hf`, `push_to_hf_hub`), and transformers writes the
same fields for its wrapper of timm's networks:

    {"architecture": "resnet18.a1_in1k", "num_classes": 3, "label_names": ["cat", "dog", "fish"],
     "pretrained_cfg": {"input_size": [3, 224, 224], "interpolation": "bicubic", "crop_pct": 0.95,
                        "crop_mode": "center", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}}

Older files have all fields at the top, and `labels` for `label_names`. Fields that are absent have timm's defaults.
https://github.com/huggingface/pytorch-image-models/blob/main/timm/models/_hub.py
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from triptych_ops.errors import RefusedError
from triptych_ops.preprocessing import Preprocessing, reason

from .architectures import TIMM_PREFIX

HUB_CONFIG = "config.json"
"""Name of the file that lies beside the weights on the Hub."""

_BYTES_MAX = 16 * 2**20  # 22,000 classes with descriptions take 2 MB


def read_preprocessing(path: Path) -> Preprocessing:
    """Read a JSON file as `Preprocessing` dumps it.

    Raises:
        RefusedError: it is not UTF-8, or no such definition.
    """
    try:
        document = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError(f"{path} is not UTF-8: {error.reason} at byte {error.start}") from error
    return preprocessing_of_json(document, source=str(path))


def preprocessing_of_json(document: str, *, source: str) -> Preprocessing:
    """Check the JSON of a `Preprocessing`; `source` names it in errors.

    Raises:
        RefusedError: it is none.
    """
    try:
        return Preprocessing.model_validate_json(document)
    except ValidationError as error:
        raise RefusedError(f"{source} is no preprocessing that a release can hold: {reason(error)}") from error


class PretrainedConfig(BaseModel):
    """The part of timm's `pretrained_cfg` that decides preprocessing; None: timm's default."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    input_size: tuple[int, int, int] | None = None  # channels, height, width
    interpolation: str | None = None
    crop_pct: Annotated[float, Field(gt=0)] | None = None
    crop_mode: str | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HubConfig:
    """A `config.json` of timm's form."""

    path: Path
    architecture: str  # timm's name, perhaps with the tag of published weights
    pretrained: PretrainedConfig
    classes: int | None
    labels: tuple[str, ...] | None  # in the order of the outputs

    @property
    def title(self) -> str:
        """The architecture as `find_architecture` takes it."""
        return f"{TIMM_PREFIX}{self.architecture}"


def read_hub_config(weights: Path) -> tuple[HubConfig | None, str | None]:
    """Read the `config.json` that lies in the folder of a file of weights.

    Returns the configuration, or None and, where there is a file that is not of timm's form, one line that says why it
    is ignored.

    Raises:
        RefusedError: it is of timm's form and a field has an impossible value.
    """
    path = weights.parent / HUB_CONFIG
    if not path.is_file():
        return None, None
    document, reason = _document(path)
    if document is None:
        return None, f"{path} is ignored: {reason}"
    fields = document.get("pretrained_cfg", document)
    if not isinstance(document.get("architecture"), str) or not isinstance(fields, Mapping):
        kind = document.get("model_type")
        described = f"it describes a network of transformers, {kind!a}" if kind else "it is not of timm's form"
        return None, f"{path} is ignored: {described}; --definition and --labels say what it would have said"
    try:
        pretrained = PretrainedConfig.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RefusedError(f"{path} has an impossible {where}: {first['msg']}; mend it or move it away") from error
    named = document.get("label_names", fields.get("label_names", document.get("labels")))
    classes = document.get("num_classes", fields.get("num_classes"))
    config = HubConfig(
        path=path,
        architecture=document["architecture"],
        pretrained=pretrained,
        classes=classes if isinstance(classes, int) else None,
        labels=_labels(named, path),
    )
    return config, None


def _document(path: Path) -> tuple[dict[str, Any] | None, str]:
    try:
        if path.stat().st_size > _BYTES_MAX:
            return None, f"it is larger than {_BYTES_MAX:,} bytes"
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        return None, f"it cannot be read as JSON ({type(error).__name__})"
    return (document, "") if isinstance(document, dict) else (None, "it is no JSON object")


def _labels(named: object, path: Path) -> tuple[str, ...] | None:
    """The labels of a list, or of an object from the number of a class to its label."""
    if not named:
        return None
    if isinstance(named, Mapping):
        numbers = [str(number) for number in range(len(named))]
        if set(named) != set(numbers):
            raise RefusedError(f"{path} names classes other than 0 to {len(named) - 1}; give labels with --labels")
        named = [named[number] for number in numbers]
    if not isinstance(named, list) or not all(isinstance(label, str) for label in named):
        raise RefusedError(f"{path} has labels that are no list of strings; give labels with --labels")
    return tuple(named)
