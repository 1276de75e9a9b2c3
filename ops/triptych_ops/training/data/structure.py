"""Names of folders and files that are not names of classes: parts of a split, and what systems leave beside images."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Part = Literal["train", "validation", "test"]
"""A part of a split."""

PARTS: tuple[Part, ...] = ("train", "validation", "test")

Layout = Literal["auto", "classes", "splits", "pooled"]
"""How a data set is organised.

auto       the structure decides: see `image_folder.read_image_folder`
classes    each folder is a class, whatever its name is; parts that record files name are ignored
splits     the parts that the data set names are the split
pooled     the parts that the data set names are put together, to be divided anew
"""

FoundLayout = Literal["classes", "splits", "pooled"]
"""A layout that has been decided."""

_PART_WORDS: Mapping[str, Part] = MappingProxyType(
    {
        "train": "train",
        "training": "train",
        "trn": "train",
        "val": "validation",
        "valid": "validation",
        "validation": "validation",
        "validating": "validation",
        "dev": "validation",
        "eval": "validation",
        "test": "test",
        "testing": "test",
        "tst": "test",
        "holdout": "test",
    }
)
_PART_NAME = re.compile(rf"({'|'.join(_PART_WORDS)})[-_. ]?(set|data|images|imgs|split)?")
_SHARD_NAME = re.compile(rf"({'|'.join(_PART_WORDS)})(?![a-z])")

_SERVICE_NAMES = frozenset(
    {
        "#recycle",
        "#snapshot",
        "$recycle.bin",
        "@eadir",
        "@recently-snapshot",
        "@recycle",
        "@tmp",
        "__macosx",
        "__pycache__",
        "desktop.ini",
        "ehthumbs.db",
        "lost+found",
        "recycler",
        "system volume information",
        "thumbs.db",
    }
)


def part_of_folder(name: str) -> Part | None:
    """Return the part of a split that a folder of this name holds by custom: `val`, `Training`, `test_set`."""
    match = _PART_NAME.fullmatch(name.casefold())
    return _PART_WORDS[match[1]] if match else None


def part_of_shard(name: str) -> Part | None:
    """Return the part of a split that a shard of this name holds by custom: `train-0003.tar`, `val.tfrecord-00001`."""
    match = _SHARD_NAME.match(name.casefold())
    return _PART_WORDS[match[1]] if match else None


def is_service_name(name: str) -> bool:
    """Return whether a file or folder belongs to a system: hidden by its dot, thumbnails, recycle bins, metadata."""
    return name.startswith(".") or name.casefold() in _SERVICE_NAMES
