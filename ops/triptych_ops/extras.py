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
    "release show": "cli,images",  # Pillow, for the images on a model card
    "rollout": "rollout",
    "serve": "serve",
    "top": "monitoring",
    "train": "train",
    "tune": "loadtest,serve",
}
"""Command, or a group of them -> its extra. All others need `cli` alone; the extra of every command includes it."""

_OF_PACKAGES: Final[Mapping[str, str]] = {"model_signing": "sign", "s3fs": "s3"}
"""Package -> its extra, where an option that many commands share needs it: `--key`, and `--store s3://…`."""


def extra_of(words: Sequence[str]) -> str:
    """Return the extra of the command that these arguments begin with."""
    names = (" ".join(words[:length]) for length in (2, 1))
    return next((_OF_COMMANDS[name] for name in names if name in _OF_COMMANDS), "cli")


def missing_package_message(error: ModuleNotFoundError, *, extra: str) -> str | None:
    """Return the line that says which package is missing and what to install.

    extra: the one of the command; a package that an option of many commands needs has its own

    None where a module of this project itself is missing, which no extra brings.
    """
    package = (error.name or "").partition(".")[0]
    if package in _OWN:
        return None
    return f"this needs the package {package}; run: pip install 'triptych[{_OF_PACKAGES.get(package, extra)}]'"
