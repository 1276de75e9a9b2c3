"""Files of trained weights, read without ever running what is in them.

safetensors, or a state dict that torch reads with `weights_only=True`: a pickle that needs more is refused.
"""

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import safetensors
import safetensors.torch
import torch

from triptych_ops.errors import MissingError, RefusedError, UsageError
from triptych_ops.preprocessing import Preprocessing

# What a safetensors file says of itself, so that weights never travel without it.
ARCHITECTURE_KEY = "triptych.architecture"
PREPROCESSING_KEY = "triptych.preprocessing"  # JSON of `Preprocessing`
LABELS_KEY = "triptych.labels"  # JSON list

_ENVELOPES = ("state_dict", "model")  # under which training scripts keep the state dict
_PREFIXES = ("module.", "_orig_mod.")  # of DataParallel, of torch.compile


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tensors of a file, all floating ones as finite float32, and what it says of itself."""

    path: Path
    state: Mapping[str, torch.Tensor]
    metadata: Mapping[str, str]  # of safetensors; otherwise empty


def read_checkpoint(path: Path) -> Checkpoint:
    """Read `.safetensors`, else a state dict of torch, bare or under `state_dict` or `model`.

    Raises:
        MissingError: there is no such file.
        UsageError: it is no file.
        RefusedError: it is damaged, needs more than tensors, or holds values that are not finite.
    """
    if not path.exists():
        raise MissingError(f"there is no file of weights {path}")
    if not path.is_file():
        raise UsageError(f"{path} is no file; name the file of weights itself")
    tensors, metadata = _read_safetensors(path) if path.suffix == ".safetensors" else (_read_torch(path), {})
    state = {name: _as_float32(path, name, tensor) for name, tensor in _without_prefix(tensors).items()}
    return Checkpoint(path, state, metadata)


def write_safetensors(
    path: Path,
    state: Mapping[str, torch.Tensor],
    *,
    architecture: str,
    preprocessing: Preprocessing,
    labels: Sequence[str],
) -> None:
    """Write a state dict with all that a build needs to know of it."""
    path.write_bytes(safetensors_bytes(state, architecture=architecture, preprocessing=preprocessing, labels=labels))


def safetensors_bytes(
    state: Mapping[str, torch.Tensor], *, architecture: str, preprocessing: Preprocessing, labels: Sequence[str]
) -> bytes:
    """A state dict with all that a build needs to know of it, as a safetensors file's content."""
    metadata = {
        ARCHITECTURE_KEY: architecture,
        PREPROCESSING_KEY: preprocessing.model_dump_json(),
        LABELS_KEY: json.dumps(list(labels), ensure_ascii=False),
    }
    # Clones, since the format refuses tensors that share memory.
    tensors = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in state.items()}
    return _in_order(safetensors.torch.save(tensors, metadata))


def _in_order(content: bytes) -> bytes:
    """A safetensors file with its metadata sorted: the library writes them in any order, and bits should be alike.

    The form: 8 bytes with the length of the header, the header in JSON, the tensors.
    https://github.com/huggingface/safetensors#format
    """
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    sorted_header = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    padded = sorted_header + b" " * (-len(sorted_header) % 8)  # tensors begin at a multiple of 8
    return len(padded).to_bytes(8, "little") + padded + content[8 + length :]


def _read_safetensors(path: Path) -> tuple[Mapping[str, torch.Tensor], Mapping[str, str]]:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118  no dict
    except safetensors.SafetensorError as error:
        raise RefusedError(f"{path} is damaged or no safetensors file: {error}") from error


def _read_torch(path: Path) -> Mapping[str, torch.Tensor]:
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        if zipfile.is_zipfile(path):
            cure = "save the network's state_dict() alone, or as safetensors"
            raise RefusedError(f"{path} needs more than tensors, which could run code; {cure}") from error
        raise RefusedError(f"{path} is damaged, or a pickle that needs more than tensors and is not run") from error
    except MemoryError:  # this machine's trouble, not the file's
        raise
    except Exception as error:  # torch raises whatever the damaged bytes lead it to
        first = str(error).partition("\n")[0]
        raise RefusedError(f"{path} is damaged or no state dict of torch: {first or type(error).__name__}") from error
    for envelope in _ENVELOPES:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(envelope), Mapping):
            loaded = loaded[envelope]
    if (
        not isinstance(loaded, Mapping)
        or not loaded
        or not all(isinstance(item, torch.Tensor) for item in loaded.values())
    ):
        raise RefusedError(f"{path} holds no state dict: names with tensors, bare or under {' or '.join(_ENVELOPES)}")
    return {str(name): tensor for name, tensor in loaded.items()}


def _without_prefix(tensors: Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors


def _as_float32(path: Path, name: str, tensor: torch.Tensor) -> torch.Tensor:
    if not tensor.is_floating_point():
        return tensor
    if not torch.isfinite(tensor := tensor.float()).all():
        raise RefusedError(f"{path} holds values that are not finite, first in {name}; train or export it anew")
    return tensor
