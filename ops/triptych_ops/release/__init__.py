"""Releases: the immutable, numbered unit that is built, served and rolled out.

    <store>/releases/7/release.json   the manifest
                       repository/    what Triton serves; every version folder is called 7

Forbidden inside: torch, a running server. Works on files alone.
"""

from .assemble import Assembly, assemble
from .integrity import digest, digests
from .manifest import FileDigest, GoldenAnswer, GoldenPrediction, Manifest, Parity, WeightsSource
from .store import REPOSITORY, Release, Store

__all__ = [
    "REPOSITORY",
    "Assembly",
    "FileDigest",
    "GoldenAnswer",
    "GoldenPrediction",
    "Manifest",
    "Parity",
    "Release",
    "Store",
    "WeightsSource",
    "assemble",
    "digest",
    "digests",
]
