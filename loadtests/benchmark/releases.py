"""The two releases that are measured, fp32 and int8 of the same weights; built where the store lacks them."""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TRIPTYCH = Path(sys.executable).parent / "triptych"
"""The command of this environment."""

PRECISIONS = ("fp32", "int8")


class CommandError(Exception):
    """`triptych` did not do what was asked; its own message is on stderr."""


@dataclass(frozen=True, slots=True)
class ReleaseFolder:
    """A release of a store that is a folder."""

    store: Path
    number: int
    precision: str
    weights_sha256: str

    @property
    def folder(self) -> Path:
        """Its files."""
        return self.store / "releases" / str(self.number)


def measured_releases(store: Path) -> dict[str, ReleaseFolder]:
    """The newest fp32 and int8 releases that have the same weights, by precision; missing ones are built.

    Raises:
        CommandError: `triptych` failed.
    """
    pair = newest_pair(_in_store(store))
    for precision in reversed(PRECISIONS):  # the default weights; where one was built, the other may be missing
        if not pair:
            _triptych("build", "--precision", precision, "--store", str(store))
            pair = newest_pair(_in_store(store))
    if not pair:
        raise CommandError(
            f"the store {store} has no fp32 and int8 release of the same weights, though they were built"
        )
    return pair


def newest_pair(releases: Iterable[ReleaseFolder]) -> dict[str, ReleaseFolder]:
    """Of the weights that have a release of each precision, the newest of each; empty where there are none."""
    by_weights: dict[str, dict[str, ReleaseFolder]] = {}
    for release in sorted(releases, key=lambda release: release.number):
        by_weights.setdefault(release.weights_sha256, {})[release.precision] = release
    pairs = [found for found in by_weights.values() if all(precision in found for precision in PRECISIONS)]
    newest = max(pairs, key=lambda found: max(release.number for release in found.values()), default={})
    return {precision: newest[precision] for precision in PRECISIONS if newest}


def _in_store(store: Path) -> list[ReleaseFolder]:
    if not (store / "releases").is_dir():
        return []
    listed = _json("release", "list", "--store", str(store))["releases"]
    numbers = [entry["release"] for entry in listed if entry["precision"] in PRECISIONS]
    return [_read(store, number) for number in numbers]


def _read(store: Path, number: int) -> ReleaseFolder:
    manifest: Mapping[str, Any] = json.loads(
        (store / "releases" / str(number) / "release.json").read_text(encoding="utf-8")
    )
    return ReleaseFolder(store, number, manifest["precision"], manifest["weights"]["sha256"])


def _json(*arguments: str) -> Any:
    return json.loads(_triptych(*arguments, "--json"))


def _triptych(*arguments: str) -> str:
    done = subprocess.run([str(TRIPTYCH), *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise CommandError(f"triptych {' '.join(arguments)} ended with status {done.returncode}")
    return done.stdout
