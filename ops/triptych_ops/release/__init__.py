"""Releases: the immutable, numbered unit that is built, served and rolled out.

    <store>/releases/7/release.json   the manifest
                       repository/    what Triton serves; every version folder is called 7

Forbidden inside: torch, a running server. Works on files alone.
"""

from .assemble import Assembly, assemble, check_labels
from .integrity import digest, digests
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
    WeightsSource,
)
from .store import REPOSITORY, Release, Store, copy_repository

__all__ = [
    "REPOSITORY",
    "Assembly",
    "Calibration",
    "ExportParity",
    "FileDigest",
    "GoldenAnswer",
    "GoldenPrediction",
    "GpuForm",
    "Manifest",
    "Precision",
    "Quality",
    "Release",
    "Store",
    "WeightsSource",
    "assemble",
    "check_labels",
    "copy_repository",
    "digest",
    "digests",
]
