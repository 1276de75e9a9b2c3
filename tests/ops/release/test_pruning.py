"""Pruning: the newest and those with an alias stay."""

from collections.abc import Callable

import pytest

from triptych_ops.release import AliasRecord, Release, Store
from triptych_ops.release.aliases import Aliases, Target
from triptych_ops.release.pruning import prune
from triptych_ops.release.storage import Storage, open_storage

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


class TaggedMeanwhile(Aliases):
    """Somebody tags release 3 after the pruner looked, in the moment that its manifest went."""

    def __init__(self, storage: Storage, entry: Callable[[str, Target | None], AliasRecord], target: Target) -> None:
        super().__init__(storage, entry)
        self._target_of_others = target
        self._looks = 0

    def all(self) -> dict[str, Target]:
        self._looks += 1
        found = super().all()
        return found | {"candidate": self._target_of_others} if self._looks > self.looks_before else found

    looks_before = 2  # of release 1, and of release 3 before its manifest goes


def test_a_release_that_is_tagged_while_it_goes_comes_back(store: Store, publish: Publish) -> None:
    sha256 = {number: publish(store, number).manifest_sha256 for number in (1, 3, 4)}
    storage = open_storage(store.location)
    aliases = TaggedMeanwhile(storage, store._alias_record, Target(3, sha256[3]))
    aliases.looks_before = 3  # 1 before and after, 3 before
    assert prune(storage, aliases, [1, 3, 4], keep=1, dry_run=False) == [1]
    assert store.numbers() == [3, 4]
    store.release(3).verify()


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
