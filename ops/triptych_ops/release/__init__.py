"""Releases: the immutable, numbered unit that is built, served and rolled out.

    <store>/releases/7/release.json   the manifest
                       repository/    what Triton serves; every version folder is called 7

Forbidden inside: torch, a running server. Works on files alone.
"""

from .aliases import Head, require_alias
from .assemble import Assembly, assemble, check_labels
from .comparison import Change, Comparison, LabelChanges, compare
from .gpu_form import GpuParts
from .integrity import MANIFEST, REPOSITORY, SIGNATURE, Progress, digest, digests
from .manifest import (
    Calibration,
    ExportParity,
    FileDigest,
    GoldenAnswer,
    GoldenPrediction,
    GpuForm,
    Manifest,
    Precision,
    Quality,
    Training,
    WeightsSource,
)
from .published import Release, copy_repository
from .pull import pull
from .records import AliasRecord
from .store import Store

__all__ = [
    "MANIFEST",
    "REPOSITORY",
    "SIGNATURE",
    "AliasRecord",
    "Assembly",
    "Calibration",
    "Change",
    "Comparison",
    "ExportParity",
    "FileDigest",
    "GoldenAnswer",
    "GoldenPrediction",
    "GpuForm",
    "GpuParts",
    "Head",
    "LabelChanges",
    "Manifest",
    "Precision",
    "Progress",
    "Quality",
    "Release",
    "Store",
    "Training",
    "WeightsSource",
    "assemble",
    "check_labels",
    "compare",
    "copy_repository",
    "digest",
    "digests",
    "pull",
    "require_alias",
]
