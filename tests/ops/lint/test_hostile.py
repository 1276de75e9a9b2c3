"""Case 15: hostile repositories are refused, and nothing that they reach for is opened."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from triptych_ops.errors import RefusedError
from triptych_ops.lint import lint, require

from .canary import Canary
from .hostile import ATTACKS, cache
from .repositories import write_ensemble

LEAST = 30
CLOSED = {".so", ".pkl", ".pt", ".joblib", ".pyc"}  # known by their names, so not even these are opened


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Canary]:
    with Canary(tmp_path / "canary") as canary:
        yield canary


def test_case_15_every_hostile_repository_is_refused_and_the_canary_never_opened(
    tmp_path: Path, sound_graph: bytes
) -> None:
    refused = opened = 0
    for number, (attack, (code, plant)) in enumerate(ATTACKS.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        write_ensemble(folder / "repository", onnx_graph=sound_graph)
        with Canary(folder / "canary") as canary:
            require(folder / "repository")  # sound until now
            plant(folder / "repository", canary.folder)
            for path in (folder / "repository").rglob("*"):
                if stat.S_ISFIFO(path.lstat().st_mode) or (path.suffix in CLOSED and not path.is_symlink()):
                    canary.watch(path)
            canary.opened()  # by planting
            with pytest.raises(RefusedError) as caught:
                require(folder / "repository")
            assert len(str(caught.value).splitlines()) == 1
            assert code in {finding.code for finding in lint(folder / "repository")}, attack
            refused += 1
            opened += canary.opened()
    print(f"case 15: {refused} of {len(ATTACKS)} hostile repositories refused, canary opened {opened} times")
    assert refused == len(ATTACKS) >= LEAST
    assert opened == 0


@pytest.mark.parametrize("way", ["file", "symbolic link", "hard link", "folder"])
def test_the_canary_tells_when_it_is_opened(canary: Canary, tmp_path: Path, way: str) -> None:
    if way == "symbolic link":
        (tmp_path / "link").symlink_to(canary.folder / "labels.txt")
    elif way == "hard link":
        (tmp_path / "link").hardlink_to(canary.folder / "labels.txt")
    assert canary.opened() == 0
    if way == "folder":
        list(canary.folder.iterdir())
    else:
        (canary.folder / "labels.txt" if way == "file" else tmp_path / "link").read_bytes()
    assert canary.opened() > 0


@pytest.mark.parametrize("key", ["trt_engine_cache_path", "trt_timing_cache_path"])
def test_what_an_accelerator_compiles_may_lie_below_the_caches(repository: Path, canary: Canary, key: str) -> None:
    cache(key, "/var/cache/triptych/tensorrt")(repository, canary.folder)
    assert lint(repository) == ()


def test_a_repository_that_is_a_link_is_refused(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repository)
    with pytest.raises(RefusedError, match="is a link"):
        lint(tmp_path / "link")


@pytest.mark.skipif(os.geteuid() != 0, reason="making a device needs root")
def test_a_device_is_refused(repository: Path) -> None:
    try:
        os.mknod(repository / "classifier" / "1" / "null", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("this machine lets nobody make a device")
    assert [finding.code for finding in lint(repository)] == ["E103"]
