"""Releases that another process removes, or tags, between two looks of this one."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import releases
from triptych_ops.errors import MissingError, RefusedError
from triptych_ops.release import Release, Store
from triptych_ops.release.aliases import Aliases
from triptych_ops.release.catalogue import Catalogue
from triptych_ops.release.pruning import prune_unfinished
from triptych_ops.release.storage import FolderStorage, open_storage

Publish = Callable[..., Release]


class Vanishing(FolderStorage):
    """A store that loses a folder as soon as the releases were listed."""

    def __init__(self, folder: Path, loses: str = "releases/1") -> None:
        super().__init__(folder)
        self._loses = folder / loses

    def matching(self, pattern: str) -> dict[str, int]:
        found = super().matching(pattern)
        if pattern.startswith("releases/"):
            shutil.rmtree(self._loses, ignore_errors=True)
        return found


@pytest.fixture
def filled(folder_store: Store, publish: Publish) -> Store:
    """A store in a folder with the releases 1 to 3, of which 2 is stable."""
    for number in (1, 2, 3):
        publish(folder_store, number)
    folder_store.tag("stable", 2)
    return folder_store


def catalogue(store: Store, storage: FolderStorage, pauses: list[float] | None = None) -> Catalogue:
    aliases = Aliases(storage, store._alias_record)
    return Catalogue(storage, aliases, sleep=(pauses if pauses is not None else []).append)


def test_a_release_that_vanishes_is_not_there_and_nothing_else_is_blamed(filled: Store) -> None:
    storage = Vanishing(Path(filled.location))
    found = catalogue(filled, storage)
    assert sorted(found.read(found.numbers())) == [2, 3]
    with pytest.raises(MissingError, match=r"has no release 1; it holds 2, 3$"):
        found.release(1)


def test_an_alias_that_moves_while_its_release_goes_is_looked_up_again(filled: Store) -> None:
    folder = Path(filled.location)

    class Moves(Vanishing):
        """After the listing the alias means 3, and release 2 goes."""

        def matching(self, pattern: str) -> dict[str, int]:
            if pattern.startswith("releases/"):
                filled.tag("stable", 3)
            return super().matching(pattern)

    pauses: list[float] = []
    found = catalogue(filled, Moves(folder, "releases/2"), pauses)
    assert found.release("stable").number == 3
    assert len(pauses) == 1


def test_an_alias_of_what_is_gone_is_said_to_be_so(filled: Store) -> None:
    shutil.rmtree(Path(filled.location) / "releases" / "2")
    pauses: list[float] = []
    with pytest.raises(MissingError, match=r"the alias 'stable' means release 2, but the store .* has no release 2"):
        catalogue(filled, FolderStorage(Path(filled.location)), pauses).release("stable")
    assert 1 < sum(pauses) < 3
    pauses.clear()
    with pytest.raises(MissingError, match="has no release 9"):
        catalogue(filled, FolderStorage(Path(filled.location)), pauses).release(9)
    assert not pauses  # nobody waits for what never was


@pytest.mark.parametrize("use", [Release.verify, lambda found: found.read("repository/model.onnx")])
def test_reading_a_release_that_was_removed_says_so(
    store: Store, publish: Publish, use: Callable[[Release], object]
) -> None:
    publish(store, 1)
    found = publish(store, 2)
    storage = open_storage(store.location)
    storage.remove("releases/2/repository/model.onnx")
    with pytest.raises(RefusedError, match=r"model\.onnx is missing"):  # the control: the release is there, altered
        use(found)
    storage.remove_all("releases/2", last="release.json")
    with pytest.raises(MissingError, match=r"^release 2 was removed from .*releases/2 while it was read; name another"):
        use(found)


def test_what_was_removed_is_neither_copied_nor_published_nor_signed(
    store: Store, publish: Publish, tmp_path: Path
) -> None:
    publish(store, 1)
    found = publish(store, 2)
    storage = open_storage(store.location)
    storage.remove_all("releases/2", last="release.json")
    with pytest.raises(MissingError, match="release 2 was removed"):
        found.copy(tmp_path / "copy")
    with pytest.raises(MissingError, match="release 2 was removed"):
        Store(tmp_path / "other").add(found)
    with pytest.raises(MissingError, match="release 2 was removed"):
        store.attach_signature(found, b"{}")
    assert not [name for name in storage.files() if name.startswith("releases/2/")]


def test_what_an_alias_protects_is_not_taken_for_unfinished(store: Store, publish: Publish) -> None:
    """Another pruner takes the manifest away for a moment, to see whether somebody tags."""
    for number in (1, 2, 3):
        publish(store, number)
    store.tag("stable", 1)
    storage = open_storage(store.location)
    for number in (1, 2):
        storage.remove(f"releases/{number}/release.json")
    aliases = Aliases(storage, store._alias_record)
    assert prune_unfinished(storage, aliases, dry_run=False) == [2]
    assert "releases/1/repository/model.onnx" in storage.files()


def test_listings_and_removals_bear_folders_that_vanish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):
        releases.publish_words(Store(tmp_path), number)
    storage, going = FolderStorage(tmp_path), tmp_path / "releases" / "1"
    listdir = os.listdir

    def listed(path: Path) -> list[str]:
        names = listdir(path)
        if path == going.parent:
            shutil.rmtree(going)
        return names

    with monkeypatch.context() as patched:
        patched.setattr(os, "listdir", listed)
        assert list(storage.matching("releases/*/*")) == ["releases/2/release.json", "releases/2/repository"]
    assert not going.exists()
    storage.remove_all("releases/1", last="release.json")
    storage.remove("releases/1/release.json")
    assert storage.folders("releases/1") == []
    assert storage.create("releases/1/release.json", b"new") is None
