import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from triptych_ops.errors import MissingError, OpsError, RefusedError
from triptych_ops.release import Manifest, Release, Store

Publish = Callable[..., Release]

BUILD = """
import sys
from pathlib import Path
from triptych_ops.release import Store

with Store(Path(sys.argv[1])).staging() as staged:
    (staged / "model.onnx").write_text("half")
    print(staged, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def held(store: Store) -> list[str]:
    """What lies in the folder of releases, hidden or not."""
    return sorted(path.name for path in (store.path / "releases").iterdir())


@contextmanager
def build_at_work(store: Store) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """Another process with a staging folder of this store, and that folder."""
    command = [sys.executable, "-c", BUILD, str(store.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as build:
        try:
            assert build.stdout is not None
            yield build, Path(build.stdout.readline().strip())
        finally:
            build.kill()


def test_numbers_ascend_as_numbers_and_not_as_words(store: Store, publish: Publish) -> None:
    for number in (10, 9, 100, 2):
        publish(store, number)
    assert store.numbers() == [2, 9, 10, 100]
    assert store.next_number() == 101
    assert store.release().number == 100


@pytest.mark.parametrize(
    "name", ["07", "0", "x", "7a", "-7", "+7", "7.0", " 7", "\u0667", "\u00b2", "latest", ".staging-abc"]
)
def test_a_folder_that_is_not_called_by_a_number_is_no_release(store: Store, publish: Publish, name: str) -> None:
    publish(store, 3)
    (store.path / "releases" / name).mkdir()
    assert store.numbers() == [3]
    assert store.next_number() == 4
    assert store.release().number == 3


def test_the_first_release_of_a_store_that_does_not_exist_is_1(store: Store, publish: Publish) -> None:
    assert store.next_number() == 1
    assert not store.path.exists()
    assert publish(store, 1).folder == store.path / "releases" / "1"


def test_a_missing_store_is_named(store: Store) -> None:
    for question in (store.numbers, store.release):
        with pytest.raises(MissingError) as caught:
            question()
        assert str(store.path) in str(caught.value)


@pytest.mark.parametrize("folder", ["", "releases"])
def test_an_empty_store_says_that_it_holds_no_release(store: Store, folder: str) -> None:
    (store.path / folder).mkdir(parents=True)
    assert store.numbers() == []
    assert store.next_number() == 1
    for number in (None, 1):
        with pytest.raises(MissingError, match="holds no release") as caught:
            store.release(number)
        assert str(store.path) in str(caught.value)


def test_a_missing_number_is_answered_with_those_that_are_there(store: Store, publish: Publish) -> None:
    for number in (2, 10):
        publish(store, number)
    with pytest.raises(MissingError, match=r"has no release 3; it holds 2, 10$"):
        store.release(3)


def test_a_published_release_is_read_back_whole(store: Store, publish: Publish) -> None:
    published = publish(store, 4, "words")
    release = store.release(4)
    assert release == published
    assert release.repository == store.path / "releases" / "4" / "repository"
    assert (release.repository / "model.onnx").read_text(encoding="utf-8") == "words"
    release.verify()
    assert held(store) == ["4"]


def test_a_published_release_can_be_read_by_other_users(store: Store, publish: Publish) -> None:
    assert publish(store, 1).folder.stat().st_mode & 0o777 == 0o755


def test_an_altered_release_does_not_pass_its_check(store: Store, publish: Publish) -> None:
    file = publish(store, 1).repository / "model.onnx"
    file.write_text("MODEL", encoding="utf-8")
    with pytest.raises(RefusedError, match="was altered") as caught:
        store.release(1).verify()
    assert str(file) in str(caught.value)


def test_a_number_without_a_manifest_is_refused_by_the_manifests_name(store: Store) -> None:
    folder = store.path / "releases" / "5"
    folder.mkdir(parents=True)
    with pytest.raises(RefusedError, match="is missing") as caught:
        store.release(5)
    assert str(folder / "release.json") in str(caught.value)


def test_what_is_staged_is_no_release_yet(store: Store, manifest_of: Callable[[int, Path], Manifest]) -> None:
    with store.staging() as staged:
        (staged / "file").write_text("x", encoding="utf-8")
        assert staged.parent == store.path / "releases"
        assert store.numbers() == []
        store.publish(staged, manifest_of(1, staged))
        assert store.numbers() == [1]
    assert held(store) == ["1"]


def test_the_second_to_publish_a_number_fails_and_changes_nothing(store: Store, publish: Publish) -> None:
    first = publish(store, 1, "first")
    with pytest.raises(OpsError, match="release 1 was published by another build meanwhile") as caught:
        publish(store, 1, "second")
    assert caught.value.exit_code == 1
    assert held(store) == ["1"]
    assert (first.repository / "model.onnx").read_text(encoding="utf-8") == "first"
    store.release(1).verify()


def test_a_staging_folder_is_gone_after_an_exception(store: Store) -> None:
    with pytest.raises(RuntimeError, match="broken"), store.staging() as staged:  # noqa: PT012
        (staged / "folder").mkdir()
        (staged / "folder" / "file").write_text("x", encoding="utf-8")
        raise RuntimeError("broken")
    assert held(store) == []


def test_a_staging_folder_that_was_not_published_is_gone(store: Store) -> None:
    with store.staging() as staged:
        (staged / "file").write_text("x", encoding="utf-8")
    assert held(store) == []


def test_an_abandoned_staging_folder_is_removed_by_the_next(store: Store, publish: Publish) -> None:
    publish(store, 1)
    abandoned = store.path / "releases" / ".staging-abandoned"
    (abandoned / "repository").mkdir(parents=True)
    (abandoned / "repository" / "model.onnx").write_text("half", encoding="utf-8")
    with store.staging() as staged:
        assert held(store) == sorted(["1", staged.name])


def test_two_builds_in_one_process_leave_each_other_alone(store: Store) -> None:
    with store.staging() as one, store.staging() as other:
        assert one != other
        assert held(store) == sorted([one.name, other.name])
    assert held(store) == []


def test_the_staging_folder_of_a_live_build_is_left_alone_until_it_is_killed(store: Store) -> None:
    with build_at_work(store) as (build, theirs):
        with store.staging() as ours:
            assert held(store) == sorted([ours.name, theirs.name])
        assert (theirs / "model.onnx").read_text(encoding="utf-8") == "half"

        build.kill()
        build.wait()
        assert held(store) == [theirs.name]
        with store.staging() as ours:
            assert held(store) == [ours.name]


def test_the_manifest_of_another_release_is_refused(store: Store, publish: Publish) -> None:
    publish(store, 7).folder.rename(store.path / "releases" / "8")
    with pytest.raises(RefusedError, match=r"is the manifest of release 7, not 8$"):
        store.release(8)
