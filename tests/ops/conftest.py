"""Small releases."""

import os
from collections.abc import Callable, Iterator

import pytest

import releases
from triptych_ops.release import Release, Store


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    """Nobody here loses power, and waiting for the disk would be most of the time that these tests take."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("fsync", "fdatasync"):
            patch.setattr(os, name, lambda _descriptor: None)
        yield


@pytest.fixture
def publish() -> Callable[[Store, int, str], Release]:
    """Publish a release of one file with these words."""
    return releases.publish_words
