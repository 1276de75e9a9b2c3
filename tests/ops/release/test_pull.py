"""A release in a folder: whole, checked, or not at all."""

import os
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

import releases
from small_disk import needs_root, small_disk
from triptych_ops.errors import RefusedError, UsageError
from triptych_ops.release import Release, Store, digests, pull
from triptych_ops.scratch import scratch_folder

Check = Callable[[Path], None]


@pytest.fixture
def release(folder_store: Store) -> Release:
    """The sound release 7."""
    return releases.publish_sound(folder_store, 7)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """An existing empty folder, as a mount point is."""
    (tmp_path / "target").mkdir()
    return tmp_path / "target"


def passes(folder: Path) -> None:
    """A check that wants all of a release to be there."""
    assert (folder / "release.json").is_file()
    assert (folder / "repository" / "classifier" / "7" / "model.onnx").is_file()


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Every path below a folder, and itself, with what changes when it is written."""
    paths = (folder, *folder.rglob("*"))
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_ino) for path in paths}


@pytest.mark.parametrize("exists", [True, False])
def test_what_was_pulled_is_the_release(release: Release, tmp_path: Path, exists: bool) -> None:
    folder = tmp_path / "to" / "target"
    if exists:
        folder.mkdir(parents=True)
    moved: list[int] = []
    assert pull(release, folder, check=passes, progress=moved.append)
    assert sorted(path.name for path in folder.iterdir()) == ["release.json", "repository"]
    assert {name: found for name, found in digests(folder).items() if name != "release.json"} == release.manifest.files
    assert (folder / "release.json").read_bytes() == release.document
    assert sum(moved) == release.manifest.size_bytes


@pytest.mark.server
def test_a_release_of_a_bucket_is_pulled_with_its_signature(
    new_prefix: Callable[[], str], release: Release, target: Path
) -> None:
    store = Store(new_prefix())
    store.add(release)
    store.attach_signature(store.release(7), b"signature")
    assert pull(store.release("newest"), target, check=passes)
    assert sorted(path.name for path in target.iterdir()) == ["release.json", "release.sig", "repository"]
    assert {**digests(target)} == {**digests(Path(release.location)), "release.sig": digests(target)["release.sig"]}
    before = snapshot(target)
    assert not pull(store.release(7), target, check=passes)
    assert snapshot(target) == before


def test_again_it_is_checked_and_nothing_is_written(release: Release, target: Path) -> None:
    pull(release, target, check=passes)
    before = snapshot(target)
    checked: list[Path] = []
    assert not pull(release, target, check=checked.append)
    assert checked == [target]
    assert snapshot(target) == before
    (target / "repository/classifier/7/model.onnx").write_bytes(b"?")
    with pytest.raises(RefusedError, match=r"target/repository/classifier/7/model\.onnx was altered"):
        pull(release, target, check=passes)


def test_what_does_not_pass_the_check_never_appears(release: Release, target: Path) -> None:
    def refuses(folder: Path) -> None:
        passes(folder)
        assert not (target / "repository").exists()
        raise RefusedError("not this one")

    with pytest.raises(RefusedError, match="not this one"):
        pull(release, target, check=refuses)
    assert list(target.iterdir()) == []
    with pytest.raises(RefusedError, match="not this one"):
        pull(release, target / "new", check=refuses)
    assert list(target.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("notes.txt", "holds 'notes.txt', which is of no release"),
        (".hidden", "holds '.hidden', which is of no release"),
        ("repository/x", "holds 'repository' without release.json"),
        ("release.sig", "holds 'release.sig' without release.json"),
        ("release.json", "is corrupt"),
    ],
)
def test_a_folder_that_holds_something_else_is_left_as_it_is(
    release: Release, target: Path, name: str, words: str
) -> None:
    (target / name).parent.mkdir(exist_ok=True)
    (target / name).write_text("mine", encoding="utf-8")
    before = snapshot(target)
    with pytest.raises(RefusedError, match=words) as caught:
        pull(release, target, check=passes)
    assert str(target) in str(caught.value)
    assert snapshot(target) == before


def test_another_release_is_named_and_left_as_it_is(folder_store: Store, release: Release, target: Path) -> None:
    pull(release, target, check=passes)
    before = snapshot(target)
    with pytest.raises(RefusedError, match="holds release 7, not this release 8; name a new or an empty folder"):
        pull(releases.publish_sound(folder_store, 8), target, check=lambda _: None)
    assert snapshot(target) == before


def test_a_file_is_no_folder(release: Release, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is no folder"):
        pull(release, tmp_path / "file", check=passes)


def test_what_the_disk_itself_holds_is_no_obstacle(release: Release, target: Path) -> None:
    (target / "lost+found").mkdir()
    (target / "lost+found" / "#12").symlink_to("nowhere")  # what fsck found, which others may not even list
    assert pull(release, target, check=passes)
    assert not pull(release, target, check=passes)
    (target / "repository" / "lost+found").mkdir()
    (target / "repository" / "lost+found" / "#12").touch()
    with pytest.raises(RefusedError, match="lost\\+found/#12 is not in the manifest"):
        pull(release, target, check=passes)


def test_what_another_users_killed_pull_left_does_not_undo_one_that_is_there(release: Release, target: Path) -> None:
    pull(release, target, check=passes)
    with scratch_folder(target, prefix=".pull-") as theirs:  # locked, so that nobody tidies it
        (theirs / "file").touch()
        assert not pull(release, target, check=passes)
        assert (theirs / "file").exists()


def test_two_pulls_into_one_folder_never_mix(folder_store: Store, release: Release, target: Path) -> None:
    other = releases.publish_sound(folder_store, 8)
    at_work, go_on = Event(), Event()

    def slow(folder: Path) -> None:
        passes(folder)
        at_work.set()
        assert go_on.wait(20)

    with ThreadPoolExecutor(3) as pulls:
        first = pulls.submit(pull, release, target, check=slow)
        assert at_work.wait(20)
        same = pulls.submit(pull, release, target, check=passes)
        another = pulls.submit(pull, other, target, check=lambda _: None)
        time.sleep(0.1)
        assert not same.done()
        assert not another.done()
        go_on.set()
        assert first.result()
        assert not same.result()
        with pytest.raises(RefusedError, match="holds release 7, not this release 8"):
            another.result()
    assert sorted(path.name for path in target.iterdir()) == ["release.json", "repository"]
    assert not pull(release, target, check=passes)


def test_a_pull_waits_for_one_that_fails_and_takes_its_folder_with_it(release: Release, tmp_path: Path) -> None:
    target, at_work, go_on = tmp_path / "target", Event(), Event()

    def fails(_: Path) -> None:
        at_work.set()
        assert go_on.wait(20)
        raise RefusedError("not this one")

    with ThreadPoolExecutor(2) as pulls:
        first = pulls.submit(pull, release, target, check=fails)
        assert at_work.wait(20)
        second = pulls.submit(pull, release, target, check=passes)
        time.sleep(0.1)
        go_on.set()
        with pytest.raises(RefusedError, match="not this one"):
            first.result()
        assert second.result()
    assert not pull(release, target, check=passes)


def test_a_later_signature_is_pulled_once_it_was_checked(folder_store: Store, release: Release, target: Path) -> None:
    pull(release, target, check=passes)
    graph = (target / "repository/classifier/7/model.onnx").stat()
    for signature in (b"first", b"second"):
        folder_store.attach_signature(release, signature)
        before = snapshot(target)

        def refuses(folder: Path, signature: bytes = signature) -> None:
            passes(folder)
            assert (folder / "release.sig").read_bytes() == signature
            assert folder != target
            raise RefusedError("not by her")

        with pytest.raises(RefusedError, match="not by her"):
            pull(release, target, check=refuses)
        names = {name for name in before if name != str(target)}
        assert {name: snapshot(target)[name] for name in names} == {name: before[name] for name in names}
        assert pull(release, target, check=passes)
        assert (target / "release.sig").read_bytes() == signature
        assert not pull(release, target, check=passes)
    assert (target / "repository/classifier/7/model.onnx").stat().st_ino == graph.st_ino


def test_a_signature_that_the_store_has_not_is_left(folder_store: Store, release: Release, target: Path) -> None:
    folder_store.attach_signature(release, b"signature")
    pull(release, target, check=passes)
    (release.folder / "release.sig").unlink()
    assert not pull(release, target, check=passes)
    assert (target / "release.sig").read_bytes() == b"signature"


def test_the_signature_of_a_killed_pull_does_not_stay_beside_another_release(release: Release, target: Path) -> None:
    (target / "release.json").write_bytes(release.document)
    (target / "release.sig").write_bytes(b"of another")
    assert pull(release, target, check=passes)
    assert sorted(path.name for path in target.iterdir()) == ["release.json", "repository"]


def test_what_a_killed_pull_left_is_replaced_even_by_another_release(
    folder_store: Store, release: Release, target: Path
) -> None:
    (target / "release.json").write_bytes(releases.publish_sound(folder_store, 6).document)
    (target / ".pull-abandoned.triptych-scratch" / "6" / "repository").mkdir(parents=True)
    assert pull(release, target, check=passes)
    assert sorted(path.name for path in target.iterdir()) == ["release.json", "repository"]


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../x",
        "repository/../../x",
        "repository/./x",
        "repository//x",
        "repository/x/",
        "repository",
        "x",
        "Repository/x",
        "repository\\x",
        "repository/a\\..\\b",
        "repository/a\nb",
        "repository/a\rb",
        "repository/a\x00b",
        "repository/\x1b[2J",
        "repository/\u202egpj.exe",
        "repository/\ud800",
        "",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused_before_a_path_is_made_of_it(
    release: Release, target: Path, name: str
) -> None:
    digest = next(iter(release.manifest.files.values()))
    document = release.manifest.model_copy(update={"files": {**release.manifest.files, name: digest}})
    (Path(release.location) / "release.json").write_text(document.model_dump_json(), encoding="utf-8") if (
        "\ud800" not in name
    ) else (Path(release.location) / "release.json").write_bytes(
        release.document.replace(b'"repository/', b'"repository/\\ud800', 1)
    )
    store = Store(Path(release.location).parents[1])
    with pytest.raises(RefusedError, match=r"release\.json is corrupt") as caught:
        pull(store.release(7), target, check=passes)
    assert str(caught.value).isprintable()
    assert list(target.iterdir()) == []


def test_case_14_every_flip_and_every_other_set_of_files_is_refused_before_load(
    folder_store: Store, release: Release, tmp_path: Path
) -> None:
    flips = 200
    home = Path(release.location)
    names = ["release.json", *(name for name, found in release.manifest.files.items() if found.size)]
    chance = random.Random(14)  # noqa: S311
    refused = 0

    def refusal(*, served: bool = False) -> str:
        """Of a pull, or of a server that copies what it serves."""
        target = tmp_path / "target"
        with pytest.raises(RefusedError) as caught:
            copy_for_a_server() if served else pull(folder_store.release(7), target, check=passes)
        assert not target.exists()
        return str(caught.value)

    def copy_for_a_server() -> None:
        folder_store.release(7).copy_repository(tmp_path / f"served-{refused}")

    for flip in range(flips):
        file = home / names[flip % len(names)]
        content = file.read_bytes()
        altered = bytearray(content)
        altered[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        file.write_bytes(altered)
        assert str(file) in refusal(served=flip % 8 > 0)
        file.write_bytes(content)
        refused += 1

    for name in names[1:]:
        file, elsewhere = home / name, tmp_path / "elsewhere"
        file.rename(elsewhere)
        assert f"{file} is missing" in refusal()
        elsewhere.rename(file.with_name("renamed"))
        assert f"{file} is missing" in refusal() or "renamed is not in the manifest" in refusal()
        file.with_name("renamed").rename(file)
        file.with_name("extra").touch()
        assert "extra is not in the manifest" in refusal()
        file.with_name("extra").unlink()
        refused += 3

    assert pull(folder_store.release(7), tmp_path / "target", check=passes)  # the control: unharmed, it passes
    print(f"case 14: {refused} of {flips + 3 * (len(names) - 1)} refused before load, {flips} of them bit flips")


@needs_root
def test_case_13_a_full_disk_leaves_nothing_that_was_pulled(folder_store: Store, target: Path) -> None:
    with folder_store.staging() as staged:
        (staged / "repository").mkdir()
        (staged / "repository" / "model.onnx").write_bytes(os.urandom(3_000_000))
        release = folder_store.publish(staged, releases.manifest(7, staged))
    levels = [0.05, 0.3, 0.6, 0.9, 0.999]  # of what the release takes
    for level in levels:
        with small_disk(target, size_bytes=round(release.manifest.size_bytes * level) // 4096 * 4096):
            for folder in (target, target / "new"):
                with pytest.raises(OSError, match="No space left on device") as caught:
                    pull(release, folder, check=lambda _: None)
                assert caught.value.filename
                assert list(target.iterdir()) == [], f"at {level}"
    with small_disk(target, size_bytes=release.manifest.size_bytes + 64 * 1024):  # the control: it fits
        assert pull(release, target, check=lambda _: None)
    print(f"case 13: {len(levels)} fill levels of a pulled release, 0 files left")
