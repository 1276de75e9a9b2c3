"""Publishing: once, wholly or not at all, and who comes second is told by whom."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import releases
from small_disk import needs_root, small_disk
from triptych_ops.errors import OpsError, RefusedError
from triptych_ops.release import Manifest, Release, Store, pull
from triptych_ops.release.storage import Storage, open_storage

Publish = Callable[..., Release]

BUILD = """
import sys
from triptych_ops.release import Store

with Store(sys.argv[1]).staging() as staged:
    (staged / "model.onnx").write_text("half")
    print(staged, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def source(tmp_path: Path) -> Store:
    """Another store, with the sound release 7."""
    store = Store(tmp_path / "source", user="eve@elsewhere")
    releases.publish_sound(store, 7)
    return store


def held(store: Store) -> list[str]:
    """What lies in the folder of releases, hidden or not."""
    return sorted(path.name for path in (Path(store.location) / "releases").iterdir())


def contents(store: Store) -> dict[str, tuple[bytes | None, object]]:
    """Every file of a store, with its content and what changes whenever it is written."""
    storage = open_storage(store.location)
    return {name: (storage.read(name), _written(storage, name)) for name in storage.files()}


def _written(storage: Storage, name: str) -> object:
    info = storage.filesystem.info(storage._path(name))
    return [info.get(key) for key in ("mtime", "ino", "LastModified", "ETag")]


@contextmanager
def build_at_work(store: Store) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """Another process with a staging folder of this store, and that folder."""
    command = [sys.executable, "-c", BUILD, store.location]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as build:
        try:
            assert build.stdout is not None
            yield build, Path(build.stdout.readline().strip())
        finally:
            build.kill()


def test_what_is_staged_is_no_release_yet(store: Store, manifest_of: Callable[[int, Path], Manifest]) -> None:
    with store.staging() as staged:
        releases.write_sound(staged, 1)
        assert store.next_number() == 1
        store.publish(staged, manifest_of(1, staged))
        assert store.numbers() == [1]
    store.release(1).verify()


def test_the_second_to_publish_a_number_is_told_by_whom_and_changes_nothing(store: Store, publish: Publish) -> None:
    publish(store, 1, "first")
    before = contents(store)
    with pytest.raises(OpsError, match=r"^release 1 was published by ann@host at .*; build again$") as caught:
        publish(Store(store.location, user="bob@host"), 1, "second")
    assert caught.value.exit_code == 1
    assert contents(store) == before


def test_the_same_release_again_writes_nothing(store: Store, source: Store) -> None:
    release = source.release(7)
    assert store.add(release)
    before = contents(store)
    assert len(before) == len(release.manifest.files) + 2
    assert not Store(store.location, user="bob@host").add(release)
    assert contents(store) == before


def test_a_release_moves_with_its_number_its_signature_and_its_very_manifest(store: Store, source: Store) -> None:
    source.attach_signature(source.release(7), b"signature")
    moved: list[int] = []
    store.add(source.release(7), progress=moved.append)
    copy, original = store.release(7), source.release(7)
    copy.verify()
    assert (copy.document, copy.signature()) == (original.document, b"signature")
    assert sum(moved) == original.manifest.size_bytes
    assert store.next_number() == 8


def test_a_later_signature_is_carried_over_and_none_is_taken_away(store: Store, source: Store) -> None:
    store.add(source.release(7))
    for signature in (b"first", b"second"):
        source.attach_signature(source.release(7), signature)
        assert store.add(source.release(7))
        assert store.release(7).signature() == signature
        assert not store.add(source.release(7))
    (source.release(7).folder / "release.sig").unlink()
    assert not store.add(source.release(7))
    assert store.release(7).signature() == b"second"
    store.release(7).verify()


def test_a_publisher_that_fails_leaves_the_claim_to_another_of_the_same_release(store: Store, source: Store) -> None:
    """Ann claims the number and fails while Bob, who shares her claim, publishes."""
    release = source.release(7)
    ann, bob = Store(store.location, user="ann@host"), Store(store.location, user="bob@host")

    def fails(_bytes: int) -> None:
        assert Store(store.location).next_number() == 8  # hers
        bob.add(release)
        raise OpsError("no network")

    with pytest.raises(OpsError, match="no network"):
        ann.add(release, progress=fails)
    store.release(7).verify()
    assert open_storage(store.location).read("numbers/7.json") is not None


def test_a_publisher_makes_the_claim_again_that_another_has_taken_back(store: Store, source: Store) -> None:
    release = source.release(7)
    ann, bob = Store(store.location, user="ann@host"), Store(store.location, user="bob@host")

    def fails(_bytes: int) -> None:
        raise OpsError("no network")

    def ann_fails_first(_bytes: int) -> None:
        if open_storage(store.location).read("numbers/7.json") == claim:
            open_storage(store.location).remove("numbers/7.json")

    with pytest.raises(OpsError, match="no network"):
        ann.add(release, progress=fails)
    assert contents_or_none(store) == {}  # the control: alone, she takes everything back
    open_storage(store.location).create("numbers/7.json", ann._number_record(7, release.manifest_sha256).to_json())
    claim = open_storage(store.location).read("numbers/7.json")
    assert bob.add(release, progress=ann_fails_first)
    assert b"bob@host" in (open_storage(store.location).read("numbers/7.json") or b"")
    store.release(7).verify()


def test_a_release_moves_out_of_a_store_again(store: Store, source: Store, tmp_path: Path) -> None:
    store.add(source.release(7))
    other = Store(tmp_path / "other")
    other.add(store.release("newest"))
    other.release(7).verify()
    assert other.release(7).document == source.release(7).document


@pytest.mark.parametrize("victim", ["classifier/7/model.onnx", "postprocess/7/labels.txt"])
def test_an_altered_release_is_not_published_elsewhere(store: Store, source: Store, victim: str) -> None:
    release = source.release(7)
    file = Path(release.location) / "repository" / victim
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(RefusedError, match=f"repository/{victim} was altered"):
        store.add(release)
    assert contents_or_none(store) == {}
    assert store.next_number() == 1


def test_a_build_that_does_not_fit_its_manifest_is_not_published(
    store: Store, manifest_of: Callable[[int, Path], Manifest]
) -> None:
    with store.staging() as staged:
        releases.write_sound(staged, 1)
        manifest = manifest_of(1, staged)
        (staged / "repository" / "late.txt").write_text("x", encoding="utf-8")
        with pytest.raises(RefusedError, match=r"late\.txt is not in the manifest"):
            store.publish(staged, manifest)
    assert contents_or_none(store) == {}


def contents_or_none(store: Store) -> dict[str, tuple[bytes | None, object]]:
    return contents(store) if store.exists() else {}


def test_a_claim_of_the_same_release_is_taken_over_and_another_is_not(
    store: Store, source: Store, tmp_path: Path
) -> None:
    """As after a kill -9 between the claim and the release."""
    store.add(source.release(7))
    open_storage(store.location).remove_all("releases/7", last="release.json")
    other = Store(tmp_path / "other")
    releases.publish_words(other, 7, "another")
    with pytest.raises(OpsError, match=r"^release 7 is being published by ann@host since "):
        store.add(other.release(7))
    assert store.numbers() == []
    assert store.add(source.release(7))
    store.release(7).verify()


def test_leftovers_of_another_upload_are_in_the_way_until_they_are_pruned(store: Store, source: Store) -> None:
    storage = open_storage(store.location)
    if not store.location.startswith("s3://"):
        (Path(store.location) / "releases/7/repository").mkdir(parents=True)
    storage.replace("releases/7/repository/old", b"x")
    with pytest.raises(OpsError, match="holds other files than this release's; run: triptych release prune"):
        store.add(source.release(7))
    assert store.numbers() == []
    assert storage.files() == ["releases/7/repository/old"]
    assert store.prune_unfinished(dry_run=True) == [7]
    assert store.prune_unfinished() == [7]
    store.add(source.release(7))
    store.release(7).verify()


def test_a_staging_folder_is_gone_after_an_exception(folder_store: Store) -> None:
    with pytest.raises(RuntimeError, match="broken"), folder_store.staging() as staged:  # noqa: PT012
        (staged / "folder").mkdir()
        (staged / "folder" / "file").write_text("x", encoding="utf-8")
        raise RuntimeError("broken")
    assert held(folder_store) == []


def test_an_abandoned_staging_folder_is_removed_by_the_next(folder_store: Store, publish: Publish) -> None:
    publish(folder_store, 1)
    abandoned = Path(folder_store.location) / "releases" / ".staging-abandoned.triptych-scratch"
    (abandoned / "repository").mkdir(parents=True)
    with folder_store.staging():
        assert not abandoned.exists()
    assert held(folder_store) == ["1"]


def test_the_staging_folder_of_a_live_build_is_left_alone_until_it_is_killed(folder_store: Store) -> None:
    with build_at_work(folder_store) as (build, theirs):
        with folder_store.staging() as ours:
            assert held(folder_store) == sorted([ours.name, theirs.name])
        assert (theirs / "model.onnx").read_text(encoding="utf-8") == "half"

        build.kill()
        build.wait()
        assert held(folder_store) == [theirs.name]
        with folder_store.staging() as ours:
            assert held(folder_store) == [ours.name]


def test_everything_is_on_the_disk_before_it_appears(
    source: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []

    def flushed(descriptor: int) -> None:
        events.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)

    def recorded(move: Callable[..., None]) -> Callable[..., None]:
        def moved(before: Path, after: Path) -> None:
            events.append(f"-> {Path(after).name}")
            move(before, after)

        return moved

    monkeypatch.setattr(os, "fsync", flushed)
    for name in ("rename", "replace"):
        monkeypatch.setattr(os, name, recorded(getattr(os, name)))
    release = source.release(7)
    files = {Path(name).name for name in release.manifest.files} | {"release.json"}

    Store(tmp_path / "target").add(release)
    appears = events.index("-> 7")
    assert files <= set(events[:appears])
    assert events[appears + 1] == "releases"

    events.clear()
    pull(release, tmp_path / "pulled", check=lambda _: None)
    appears = events.index("-> repository")
    assert files <= set(events[: events.index("-> release.json")])
    assert events[appears + 1] == "pulled"


@needs_root
def test_case_13_a_full_disk_leaves_no_half_release(source: Store, tmp_path: Path) -> None:
    release = source.release(7)
    weight = Path(release.location) / "repository/classifier/7/model.onnx"
    weight.write_bytes(bytes(3_000_000))
    with source.staging() as staged:
        (staged / "repository").mkdir()
        (staged / "repository" / "model.onnx").write_bytes(bytes(3_000_000))
        release = source.publish(staged, releases.manifest(8, staged))
    target = tmp_path / "target"
    target.mkdir()
    levels = [0.05, 0.3, 0.6, 0.9, 0.999]  # of what the release takes
    for level in levels:
        with small_disk(target, size_bytes=round(release.manifest.size_bytes * level) // 4096 * 4096):
            with pytest.raises(OSError, match="No space left on device"):
                Store(target).add(release)
            left = [path for path in target.rglob("*") if path.is_file() or path.name.startswith(".")]
            assert left == [], f"at {level}"
            assert Store(target).next_number() == 1
    with small_disk(target, size_bytes=release.manifest.size_bytes + 64 * 1024):  # the control: it fits
        Store(target).add(release)
        Store(target).release(8).verify()
    print(f"case 13: {len(levels)} fill levels of a published release, 0 files left")
