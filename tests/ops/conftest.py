"""Small releases, and an object store that is started when the first test asks for it."""

import os
from collections.abc import Callable, Iterator
from itertools import count

import pytest

import releases
from object_store import BUCKET, ObjectStore, object_store
from triptych_ops.release import Release, Store


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    """Nobody here loses power, and waiting for the disk would be most of the time that these tests take."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("fsync", "fdatasync"):
            patch.setattr(os, name, lambda _descriptor: None)
        yield


@pytest.fixture(scope="session")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """A real object store; this process, and what it starts, are its `writer`."""
    with object_store(tmp_path_factory.mktemp("objects")) as started, pytest.MonkeyPatch.context() as patch:
        for name, value in started.environment().items():
            patch.setenv(name, value)
        yield started


@pytest.fixture(scope="session")
def new_prefix(objects: ObjectStore) -> Callable[[], str]:
    """Gives the URL of a prefix that nobody else uses; it needs the object store."""
    assert objects.url
    numbers = count(1)
    return lambda: f"s3://{BUCKET}/store-{next(numbers)}"


@pytest.fixture
def publish() -> Callable[[Store, int, str], Release]:
    """Publish a release of one file with these words."""
    return releases.publish_words
