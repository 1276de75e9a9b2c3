"""Files of trained weights, read without ever running what is in them.

safetensors, or what `torch.save` wrote, read with `weights_only=True`: a pickle that needs more is refused. Training
scripts save settings beside the tensors; classes of settings that are listed here become inert stand-ins (`_Ignored`).
"""

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import safetensors
import safetensors.torch
import torch

from triptych_ops.errors import RefusedError
from triptych_ops.preprocessing import Preprocessing

from .weights_files import weights_format

# What a safetensors file says of itself, so that weights never travel without it.
ARCHITECTURE_KEY = "triptych.architecture"
PREPROCESSING_KEY = "triptych.preprocessing"  # JSON of `Preprocessing`
LABELS_KEY = "triptych.labels"  # JSON list

_ENTRY_DEPTH = 3  # mappings within mappings in which state dicts are sought
_LISTED = 6  # names in a message

# Classes that training scripts save beside the tensors: the command line, paths, the best accuracy as NumPy's number.
_IGNORED_CLASSES = (
    "argparse.Namespace",
    "types.SimpleNamespace",
    "pathlib.Path",
    "pathlib.PosixPath",
    "pathlib.PurePosixPath",
    "pathlib.WindowsPath",
    "pathlib.PureWindowsPath",
    "pathlib._local.PosixPath",
    "pathlib._local.WindowsPath",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.dtype",
)


class _Ignored:
    """Stands for a class of settings while a pickle is read: takes any arguments and any state, and keeps nothing.

    The pickle names the class, torch's restricted unpickler looks the name up in the table that `_read_torch` gives it
    and finds this one, so the named class is neither imported nor called. With no `__dict__`, an instance cannot be
    given attributes, so nothing in the file can shadow `__setstate__` or hide a callable for a later step.
    """

    __slots__ = ()

    def __new__(cls, *_arguments: object, **_named: object) -> "_Ignored":
        return super().__new__(cls)

    def __setstate__(self, _state: object) -> None:
        """Drop the state."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a file of weights holds and says of itself."""

    path: Path
    # Where a state dict lies in the file -> its tensors by name. "" is the top of the file; "a.b" is ["a"]["b"].
    entries: Mapping[str, Mapping[str, torch.Tensor]]
    metadata: Mapping[str, str]  # of safetensors; otherwise empty


def read_checkpoint(path: Path) -> Checkpoint:
    """Read safetensors or what `torch.save` wrote, told apart by their bytes.

    Raises:
        MissingError: there is no such file.
        UsageError: it is no file.
        RefusedError: it is damaged, needs more than tensors and settings, or holds no tensors by name.
    """
    if weights_format(path) == "safetensors":
        tensors, metadata = _read_safetensors(path)
        return Checkpoint(path, {"": tensors}, metadata)
    loaded = _read_torch(path)
    entries = dict(_entries(loaded))
    if not entries:
        raise RefusedError(f"{path} holds no state dict, which is tensors by name; {_contents(loaded)}")
    return Checkpoint(path, entries, {})


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


def _read_torch(path: Path) -> object:
    try:
        # The open file, since torch takes a name that ends in .safetensors for such a file.
        stand_ins = torch.serialization.safe_globals([(_Ignored, name) for name in _IGNORED_CLASSES])
        with path.open("rb") as file, warnings.catch_warnings(), stand_ins:
            warnings.simplefilter("ignore")  # of newer protocols, which are read or refused
            return torch.load(file, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        cure = "save the network's state_dict() alone, or as safetensors"
        needed = _needed_classes(path)
        if needed:
            raise RefusedError(f"{path} needs {needed}, which could run code and is not loaded; {cure}") from error
        raise RefusedError(f"{path} is damaged, or a pickle that needs more than tensors and is not run") from error
    except MemoryError:  # this machine's trouble, not the file's
        raise
    except Exception as error:  # torch raises whatever the damaged bytes lead it to
        first = str(error).partition("\n")[0]
        raise RefusedError(f"{path} is damaged or no state dict of torch: {first or type(error).__name__}") from error


def _needed_classes(path: Path) -> str:
    """The classes and functions that an archive names beyond those that are loaded; "" where that is not known."""
    try:
        names = set(torch.serialization.get_unsafe_globals_in_checkpoint(path)) - set(_IGNORED_CLASSES)
    except Exception:  # no archive, or a damaged one
        return ""
    return _listed([ascii(name)[1:-1] for name in sorted(names)])


def _entries(
    value: object, name: str = "", depth: int = _ENTRY_DEPTH
) -> Iterator[tuple[str, Mapping[str, torch.Tensor]]]:
    """Each mapping within a mapping that has tensors by name, with its place."""
    if not isinstance(value, Mapping):
        return
    named = {key: item for key, item in value.items() if isinstance(key, str)}
    tensors = {key: item for key, item in named.items() if isinstance(item, torch.Tensor)}
    if tensors:
        yield name, tensors
    if depth:
        for key, item in named.items():
            yield from _entries(item, f"{name}.{key}" if name else key, depth - 1)


def _contents(loaded: object) -> str:
    """What a file without tensors by name holds."""
    if isinstance(loaded, Mapping):
        return f"its keys are {_listed([ascii(key) for key in loaded])}" if loaded else "it is empty"
    return f"it holds {'settings alone' if isinstance(loaded, _Ignored) else f'a {type(loaded).__name__}'}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
