"""The extras of the distribution: which one brings the packages that a command needs.

Imports nothing but the standard library, so that a command can be explained where no extra is installed.
"""

from collections.abc import Mapping, Sequence
from typing import Final

_OWN: Final = ("triptych", "triptych_ops", "loadtests")

_OF_COMMANDS: Final[Mapping[str, str]] = {
    "build": "build",
    "data": "train",
    "demo": "build",
    "edge": "edge",
    "evaluate": "train",
    "export": "train",
    "features": "train",
    "gateway": "gateway",
    "loadtest": "loadtest",
    "monitoring": "monitoring",
    "probes": "pod",
    "release sign": "sign",
    "rollout": "rollout",
    "serve": "serve",
    "top": "monitoring",
    "train": "train",
    "tune": "loadtest,serve",
}
"""Command, or a group of them -> its extra. All others need `cli` alone; the extra of every command includes it."""

_OF_OPTIONS: Final[Mapping[str, str]] = {
    "--card": "images",
    "--certificate-chain": "sign",
    "--edge": "edge",
    "--identity": "sign",
    "--key": "sign",
    "s3://": "s3",
}
"""Beginning of an argument -> the extra that it needs beside the command's."""

_OF_PACKAGES: Final[Mapping[str, str]] = {"model_signing": "sign", "s3fs": "s3"}
"""Package -> its extra, where the option that needs it was given by the environment or the settings file."""


def extra_of(words: Sequence[str]) -> str:
    """Return the extras that a command with these arguments needs, as pip takes them: `edge,s3`."""
    command = next((_OF_COMMANDS[name] for name in (" ".join(words[:2]), *words[:1]) if name in _OF_COMMANDS), "cli")
    options = (extra for word in words for begin, extra in _OF_OPTIONS.items() if _is(word, begin))
    return _joined({*command.split(","), *options})


def _is(word: str, begin: str) -> bool:
    return word.startswith(begin) if begin.endswith("/") else word.partition("=")[0] == begin


def missing_package_message(error: ModuleNotFoundError, *, extra: str) -> str | None:
    """Return the line that says which package is missing and what to install.

    extra: what `extra_of` says of the command

    None where a module of this project itself is missing, which no extra brings.
    """
    package = (error.name or "").partition(".")[0]
    if package in _OWN:
        return None
    extras = _joined({*extra.split(","), _OF_PACKAGES.get(package, "cli")})
    return f"this needs the package {package}; run: pip install 'triptych[{extras}]'"


def _joined(extras: set[str]) -> str:
    if extras - {"cli", "images"}:  # each of the others includes it
        extras = extras - {"cli"}
    return ",".join(sorted(extras))
