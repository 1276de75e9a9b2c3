"""How much shared memory a repository can need, and what is said where there is less."""

from pathlib import Path

import pytest

import releases
from small_disk import needs_root, small_disk
from triptych_ops.release import REPOSITORY
from triptych_ops.runtime import Sizing
from triptych_ops.runtime.shared_memory import needed_bytes, shortage

MIB = 1024 * 1024
SIDE, CLASSES, EMBEDDING, IMAGES = 32, 6, 9, 32


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Sized for two, two and one instances."""
    releases.write_sound(tmp_path, 7)
    sizing = Sizing.of_cores(2).changed(preprocess_instances=2, classifier_instances=2, postprocess_instances=1)
    sizing.apply(tmp_path / REPOSITORY)
    return tmp_path / REPOSITORY


def test_each_instance_needs_twice_its_largest_request_and_a_mebibyte_at_least(repository: Path) -> None:
    preprocess = 2 * (64 * MIB + IMAGES * SIDE * SIDE * 3)
    assert needed_bytes(repository, body_bytes=64 * MIB) == 2 * preprocess + 2 * MIB + 1 * MIB
    assert IMAGES * (SIDE * SIDE * 3 + 4 * (CLASSES + EMBEDDING)) * 2 < MIB  # the classifier's


def test_nothing_is_said_where_there_is_enough(repository: Path) -> None:
    assert shortage(repository, body_bytes=1, place=Path("/")) is None


def test_a_place_that_is_not_there_is_said(repository: Path, tmp_path: Path) -> None:
    assert "there is no" in str(shortage(repository, body_bytes=1, place=tmp_path / "shm"))


@needs_root
def test_both_sizes_are_said(repository: Path, tmp_path: Path) -> None:
    place = tmp_path / "shm"
    place.mkdir()
    with small_disk(place, size_bytes=64 * MIB):
        words = str(shortage(repository, body_bytes=64 * MIB, place=place))
        assert f"{place} has 64 MiB; requests of 64 MiB on all instances at once need 260 MiB" in words
        assert "docker run --shm-size=260m" in words
        (place / "another").write_bytes(b"x" * MIB)
        assert "has 64 MiB, 63 MiB of it free;" in str(shortage(repository, body_bytes=64 * MIB, place=place))
    with small_disk(place, size_bytes=260 * MIB):
        assert shortage(repository, body_bytes=64 * MIB, place=place) is None
