"""Aliases: an append-only history, ordered by its numbers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import releases
from triptych_ops.errors import MissingError, RefusedError, UsageError
from triptych_ops.release import Release, Store
from triptych_ops.release.aliases import Change, Target
from triptych_ops.release.storage import open_storage

Publish = Callable[..., Release]


@pytest.fixture
def filled(store: Store, publish: Publish) -> Store:
    """A store with the releases 1, 2 and 3."""
    for number in (1, 2, 3):
        publish(store, number)
    return store


def test_an_alias_means_a_release_until_it_means_another(filled: Store) -> None:
    assert filled.tag("stable", 1) == 1
    assert filled.tag("candidate", "newest") == 3
    assert filled.aliases() == {"candidate": 3, "stable": 1}
    assert filled.tag("stable", "candidate") == 3
    assert filled.release("stable").number == 3
    filled.untag("candidate")
    assert filled.aliases() == {"stable": 3}
    with pytest.raises(MissingError, match=r"has no alias 'candidate'; its aliases: stable$"):
        filled.release("candidate")


def test_the_history_has_every_change_in_order(filled: Store) -> None:
    for number in (1, 2, 2, 1):  # the same again is no change
        filled.tag("stable", number)
    filled.untag("stable")
    filled.tag("stable", 3)
    history = filled.history("stable")
    assert [entry.number for entry in history] == [1, 2, 1, None, 3]
    assert {entry.by for entry in history} == {"ann@host"}
    names = [name for name in open_storage(filled.location).files() if name.startswith("aliases/")]
    assert names == [f"aliases/stable/{number:06d}.json" for number in range(1, 6)]


def test_what_there_never_was_has_no_history_and_cannot_be_removed(filled: Store) -> None:
    with pytest.raises(MissingError, match="never had an alias 'stable'"):
        filled.history("stable")
    with pytest.raises(MissingError, match="has no alias 'stable'; its aliases: none"):
        filled.untag("stable")


@pytest.mark.parametrize("name", ["", "7", "7a", "-a", "A", "a_b", "a/b", "..", "a.b", "ä", "a\n", "a" * 64, "newest"])
def test_what_cannot_be_an_alias(folder_store: Store, publish: Publish, name: str) -> None:
    publish(folder_store, 1)
    with pytest.raises(UsageError, match="alias"):
        folder_store.tag(name, 1)
    assert not (Path(folder_store.location) / "aliases").exists()


def test_an_alias_of_what_is_not_there_is_not_made(filled: Store) -> None:
    with pytest.raises(MissingError, match="has no release 9"):
        filled.tag("stable", 9)
    assert filled.aliases() == {}


def test_an_alias_pins_the_very_manifest(filled: Store, publish: Publish, tmp_path: Path) -> None:
    """A release that somebody who may write to the store exchanged, with all its traces, but not the alias."""
    filled.tag("stable", 2)
    other = publish(Store(tmp_path / "other"), 2, "exchanged")
    storage = open_storage(filled.location)
    storage.remove("numbers/2.json")
    storage.replace("releases/2/repository/model.onnx", b"exchanged")
    storage.replace("releases/2/release.json", other.document)
    filled.release(2).verify()
    with pytest.raises(RefusedError, match="is not the release that 'stable' was tagged for"):
        filled.release("stable")


def test_a_corrupt_entry_is_refused_by_name(filled: Store) -> None:
    filled.tag("stable", 2)
    open_storage(filled.location).replace("aliases/stable/000002.json", b"{}")
    with pytest.raises(RefusedError, match=r"aliases/stable/000002\.json is corrupt"):
        filled.release("stable")


def test_taggers_at_the_same_time_lose_no_entry(filled: Store) -> None:
    taggers, rounds = 4, 5

    def tag(tagger: int) -> None:
        store = Store(filled.location, user=f"tagger-{tagger}@host")
        for number in range(rounds):
            store.tag(f"own-{tagger}", 1 + number % 3)
            releases_ = [1, 2, 3]
            store.tag("shared", releases_[(tagger + number) % 3])

    with ThreadPoolExecutor(taggers) as threads:
        list(threads.map(tag, range(taggers)))
    shared = filled.history("shared")
    numbers = [entry.number for entry in shared]
    assert all(before != after for before, after in pairwise(numbers))
    assert len({entry.by for entry in shared}) > 1
    names = [name for name in open_storage(filled.location).files() if name.startswith("aliases/shared/")]
    assert names == [f"aliases/shared/{number:06d}.json" for number in range(1, len(shared) + 1)]
    for tagger in range(taggers):
        assert [entry.number for entry in filled.history(f"own-{tagger}")] == [1, 2, 3, 1, 2]


def test_a_release_that_goes_while_it_is_tagged_is_not_tagged(folder_store: Store) -> None:
    releases.publish_words(folder_store, 1)
    releases.publish_words(folder_store, 2)
    folder_store.tag("stable", 2)
    going = Path(folder_store.location) / "releases/1/release.json"

    class Slow(Store):
        """Loses the release after it was read, as if pruned between the look and the tag."""

        def release(self, ref: str | int | None = None, **options: Any) -> Release:
            found = super().release(ref, **options)
            going.unlink()
            return found

    with pytest.raises(MissingError, match=r"release 1 of .* was removed meanwhile"):
        Slow(folder_store.location).tag("stable", 1)
    assert folder_store.aliases() == {"stable": 2}


def test_what_another_tagger_did_since_is_not_taken_back(folder_store: Store) -> None:
    for number in (1, 2, 3):
        releases.publish_words(folder_store, number)
    folder_store.tag("stable", 2)
    folder = Path(folder_store.location)

    class Late(Store):
        """Loses release 1 after it was read; somebody tags 3 as soon as 1 was tagged."""

        def release(self, ref: str | int | None = None, **options: Any) -> Release:
            found = super().release(ref, **options)
            point = self._aliases.point

            def pointed(alias: str, target: Target | None, **options: Any) -> Change | None:
                change = point(alias, target, **options)
                (folder / "releases/1/release.json").unlink()
                folder_store.tag(alias, 3)
                return change

            self._aliases.point = pointed  # type: ignore[method-assign]
            return found

    with pytest.raises(MissingError, match=r"release 1 of .* was removed meanwhile"):
        Late(folder).tag("stable", 1)
    assert folder_store.aliases() == {"stable": 3}
    assert [entry.number for entry in folder_store.history("stable")] == [2, 1, 3]


def test_a_corrupt_alias_does_not_hide_the_others(filled: Store) -> None:
    filled.tag("bad", 1)
    filled.tag("stable", 2)
    open_storage(filled.location).replace("aliases/bad/000001.json", b"{}")
    assert filled.aliases() == {"stable": 2}
    (refusal,) = filled.refused_aliases().values()
    assert "aliases/bad/000001.json is corrupt" in str(refusal)
    assert filled.tag("stable", 3) == 3
    assert filled.tag("new", "stable") == 3
    with pytest.raises(MissingError, match=r"has no alias 'none'; its aliases: new, stable$"):
        filled.resolve("none")
    for use in (lambda: filled.tag("bad", 1), lambda: filled.resolve("bad"), lambda: filled.history("bad")):
        with pytest.raises(RefusedError, match=r"aliases/bad/000001\.json is corrupt"):
            use()


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (b'"alias": "stable"', b'"alias": "other"', "its alias is 'other', not 'stable'; restore it from a backup"),
        (b'"number": 2', b'"number": null', "number and manifest_sha256 are null together or not at all"),
    ],
)
def test_an_entry_of_another_place_or_half_a_target_is_refused(
    filled: Store, before: bytes, after: bytes, words: str
) -> None:
    filled.tag("stable", 2)
    storage = open_storage(filled.location)
    entry = storage.read("aliases/stable/000001.json") or b""
    storage.replace("aliases/stable/000001.json", entry.replace(before, after))
    assert filled.aliases() == {}
    with pytest.raises(RefusedError, match=words):
        filled.release("stable")
    storage.replace("aliases/stable/000001.json", entry)  # the control
    assert filled.release("stable").number == 2
