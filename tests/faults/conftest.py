"""A built release for servers, publishers in processes of their own, and an object store."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from commands import triptych
from object_store import ObjectStore

_PUBLISHER = Path(__file__).with_name("publisher.py")


class Publisher:
    """A process that publishes, pulls and looks when it is told to; each time in a new process of its own."""

    def __init__(self, user: str) -> None:
        self._user = user
        tests = str(_PUBLISHER.parents[1])
        self._process = subprocess.Popen(
            [sys.executable, str(_PUBLISHER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([tests, os.environ.get("PYTHONPATH", "")])},
        )

    def begin(self, do: str, **task: Any) -> None:
        """Start a task."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, "user": self._user, **task}) + "\n")
        self._process.stdin.flush()

    def end(self) -> dict[str, Any]:
        """The answer of the task that was started last."""
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def do(self, do: str, **task: Any) -> dict[str, Any]:
        """A task to its end."""
        self.begin(do, **task)
        return self.end()

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=30)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with release 1: built here, or the one in `TRIPTYCH_TEST_STORE`, which saves a minute."""
    if built := os.environ.get("TRIPTYCH_TEST_STORE"):
        return Path(built)
    path = tmp_path_factory.mktemp("store")
    done = triptych("build", "--store", path)
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture
def publisher(objects: ObjectStore) -> Iterator[Callable[[str], Publisher]]:
    """Makes publishers, each with a user's name."""
    assert objects.url
    made: list[Publisher] = []

    def make(user: str) -> Publisher:
        made.append(Publisher(user))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(params=["folder", "bucket"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Gives the location of a new store at each call, in folders or in buckets."""
    if request.param == "folder":
        numbers = count(1)
        return lambda: str(tmp_path / f"store-{next(numbers)}")
    new_prefix: Callable[[], str] = request.getfixturevalue("new_prefix")
    return new_prefix
