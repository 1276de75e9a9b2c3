"""Pruning: the newest and those with an alias stay."""

from collections.abc import Callable
from pathlib import Path

import pytest

import releases
from triptych_ops.errors import MissingError, OpsError, RefusedError
from triptych_ops.release import Release, Store
from triptych_ops.release.aliases import Aliases, Target
from triptych_ops.release.pruning import prune, prune_unfinished
from triptych_ops.release.storage import FolderStorage, open_storage

Publish = Callable[..., Release]


@pytest.fixture
def filled(store: Store, publish: Publish) -> Store:
    """A store with the releases 1 to 5, of which 2 is stable."""
    for number in range(1, 6):
        publish(store, number)
    store.tag("stable", 2)
    return store


@pytest.mark.parametrize(
    ("keep", "gone"), [(0, [1, 3, 4, 5]), (1, [1, 3, 4]), (2, [1, 3]), (4, [1]), (5, []), (99, [])]
)
def test_the_newest_and_those_with_an_alias_stay(filled: Store, keep: int, gone: list[int]) -> None:
    assert filled.prune(keep=keep, dry_run=True) == gone
    assert filled.numbers() == [1, 2, 3, 4, 5]
    assert filled.prune(keep=keep) == gone
    assert filled.numbers() == sorted({1, 2, 3, 4, 5} - set(gone))
    names = open_storage(filled.location).files()
    assert {name.split("/")[1] for name in names if name.startswith("releases/")} == set(map(str, filled.numbers()))
    assert [name for name in names if name.startswith("numbers/")] == [
        f"numbers/{number}.json" for number in range(1, 6)
    ]
    assert filled.next_number() == 6
    filled.release("stable").verify()


def test_a_removed_alias_protects_no_longer(filled: Store) -> None:
    filled.untag("stable")
    assert filled.prune(keep=1) == [1, 2, 3, 4]


class Meanwhile(Aliases):
    """Does something while the manifest of release 3 is away."""

    def __init__(self, store: Store, meanwhile: Callable[[], object]) -> None:
        self._store = open_storage(store.location)
        super().__init__(self._store, store._alias_record)
        self._meanwhile = meanwhile

    def all(self) -> dict[str, Target]:
        if self._store.read("releases/3/release.json") is None:
            self._meanwhile()
        return super().all()


def test_a_release_that_is_tagged_while_it_goes_comes_back(store: Store, publish: Publish) -> None:
    sha256 = {number: publish(store, number).manifest_sha256 for number in (1, 3, 4)}
    tagger = Aliases(open_storage(store.location), store._alias_record)
    aliases = Meanwhile(store, lambda: tagger.point("candidate", Target(3, sha256[3])))
    assert prune(open_storage(store.location), aliases, [1, 3, 4], keep=1, dry_run=False) == [1]
    assert store.numbers() == [3, 4]
    assert store.aliases() == {"candidate": 3}
    store.release(3).verify()


@pytest.mark.parametrize("failure", [OpsError, KeyboardInterrupt])
def test_a_release_comes_back_where_its_aliases_cannot_be_read(
    store: Store, publish: Publish, failure: type[BaseException]
) -> None:
    for number in (1, 3, 4):
        publish(store, number)

    def fail() -> None:
        raise failure("no network")

    with pytest.raises(failure, match="no network"):
        prune(open_storage(store.location), Meanwhile(store, fail), [1, 3, 4], keep=1, dry_run=False)
    assert store.numbers() == [3, 4]  # 1 went, as the control
    store.release(3).verify()


def test_a_corrupt_alias_stops_pruning_alone(filled: Store) -> None:
    filled.tag("candidate", 3)
    open_storage(filled.location).replace("aliases/candidate/000001.json", b"{}")
    for dry_run in (True, False):
        with pytest.raises(RefusedError, match=r"aliases/candidate/000001\.json is corrupt"):
            filled.prune(keep=1, dry_run=dry_run)
    assert filled.numbers() == [1, 2, 3, 4, 5]
    assert filled.aliases() == {"stable": 2}


@pytest.mark.parametrize("name", ["007", "07", "x", "-7", "4294967303", "9" * 40])
def test_a_folder_that_no_release_is_called_by_is_left_alone(folder_store: Store, publish: Publish, name: str) -> None:
    publish(folder_store, 7)
    other = Path(folder_store.location) / "releases" / name / "repository"
    other.mkdir(parents=True)
    (other.parents[1] / "8").mkdir()  # the control
    assert folder_store.prune_unfinished(dry_run=True) == [8]
    assert folder_store.prune_unfinished() == [8]
    folder_store.release(7).verify()
    assert other.is_dir()


class Publishes(FolderStorage):
    """A store in which somebody publishes release 2 as soon as the folders were listed."""

    def folders(self, name: str) -> list[str]:
        found = super().folders(name)
        releases.publish_words(Store(self.folder), 2)
        return found


class PublishesLater(FolderStorage):
    """A store in which somebody publishes release 2 once both listings were made."""

    def matching(self, pattern: str) -> dict[str, int]:
        found = super().matching(pattern)
        releases.publish_words(Store(self.folder), 2)
        return found


@pytest.mark.parametrize("storage", [Publishes, PublishesLater])
def test_a_release_that_appears_while_the_unfinished_go_is_left_alone(
    folder_store: Store, publish: Publish, storage: type[FolderStorage]
) -> None:
    publish(folder_store, 1)
    folder = Path(folder_store.location)
    (folder / "releases/2").mkdir()  # a folder takes the place of an empty one
    (folder / "releases/3").mkdir()
    aliases = Aliases(storage(folder), folder_store._alias_record)
    assert prune_unfinished(storage(folder), aliases, dry_run=False) == [3]
    assert folder_store.numbers() == [1, 2]
    folder_store.release(2).verify()


def test_nothing_appears_where_something_is_removed(store: Store, publish: Publish) -> None:
    """The pruner was killed: its empty manifest keeps the place, is no release, and goes with the next pruning."""
    publish(store, 1)
    publish(store, 2)
    storage = open_storage(store.location)
    storage.replace("releases/2/release.json", b"")
    assert store.numbers() == [1]
    assert list(store.releases()) == [1]
    with pytest.raises(MissingError, match="has no release 2; it holds 1"):
        store.release(2)
    with pytest.raises(OpsError, match="holds other files than this release's; run: triptych release prune"):
        publish(store, 2)
    if not store.location.startswith("s3://"):  # a failed upload removes what it finds by itself
        assert store.prune_unfinished() == [2]
    publish(store, 2)
    assert store.numbers() == [1, 2]


def test_what_a_killed_publisher_left_is_removed_when_asked_for(store: Store, publish: Publish) -> None:
    for number in (1, 2):
        publish(store, number)
    storage = open_storage(store.location)
    storage.remove("releases/2/release.json")
    assert store.prune(keep=1) == []
    assert store.prune_unfinished(dry_run=True) == [2]
    assert store.prune_unfinished() == [2]
    assert storage.files() == [
        "numbers/1.json",
        "numbers/2.json",
        "releases/1/release.json",
        "releases/1/repository/model.onnx",
    ]
    assert store.prune_unfinished() == []
    assert store.next_number() == 3


def test_a_corrupt_release_does_not_count_as_one_that_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number in (1, 2, 3):
        releases.publish_words(store, number)
    (tmp_path / "releases" / "3" / "release.json").write_text("{")
    with pytest.raises(RefusedError, match=r"nothing was removed: .*3/release.json is corrupt"):
        store.prune(keep=1)
    assert store.numbers() == [1, 2, 3]
