"""A built release, served; and the same with defects planted in it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from commands import Serving
from triptych_ops.release import REPOSITORY, Store, digests

from .asking import Asker

Plant = Callable[[Path], None]
Serve = Callable[[Path], AbstractContextManager[Asker]]


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """Serves a store's newest release."""

    @contextmanager
    def asker(store: Path) -> Iterator[Asker]:
        with Serving(store, tmp_path_factory.mktemp("scratch")) as serving, Asker(serving) as made:
            yield made

    return asker


@pytest.fixture(scope="module")
def asker(serve: Serve, store: Path) -> Iterator[Asker]:
    """A client of the release as it was built, on a server of its own for each module."""
    with serve(store) as made:
        yield made


@pytest.fixture
def planted(store: Path, tmp_path: Path) -> Callable[[Plant], Path]:
    """Publishes the release with a defect into a new store; is given what plants it into the folder of `preprocess`."""

    def publish(plant: Plant) -> Path:
        sound, target = Store(store).release(), Store(tmp_path / "planted")
        with target.staging() as staged:
            sound.copy_repository(staged / REPOSITORY)
            plant(staged / REPOSITORY / "preprocess" / str(sound.number))
            target.publish(staged, sound.manifest.model_copy(update={"files": digests(staged)}))
        return tmp_path / "planted"

    return publish
