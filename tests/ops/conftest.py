"""Small releases, and an object store that is started when the first test asks for it."""

import os
from collections.abc import Callable, Iterator
from itertools import count

import pytest

import releases
from object_store import BUCKET, ObjectStore
from object_store import objects as objects
from triptych_ops.release import Release, Store


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    """Nobody here loses power, and waiting for the disk would be most of the time that these tests take."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("fsync", "fdatasync"):
            patch.setattr(os, name, lambda _descriptor: None)
        yield


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
