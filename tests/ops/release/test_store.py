"""What holds of every store, in a folder as in a bucket."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from triptych_ops.errors import MissingError, OpsError, RefusedError, UsageError
from triptych_ops.release import MANIFEST, Release, Store, digests
from triptych_ops.release.storage import open_storage

Publish = Callable[..., Release]


def place(store: Store, name: str, content: bytes = b"x") -> None:
    """Put a file into a store, as somebody who may write there could."""
    storage = open_storage(store.location)
    if name.rpartition("/")[0] and not store.location.startswith("s3://"):
        (Path(store.location) / name).parent.mkdir(parents=True, exist_ok=True)
    storage.replace(name, content)


def test_numbers_ascend_as_numbers_and_not_as_words(store: Store, publish: Publish) -> None:
    for number in (10, 9, 100, 2):
        publish(store, number)
    assert store.numbers() == [2, 9, 10, 100]
    assert store.next_number() == 101
    assert store.release().number == 100
    assert [store.resolve(ref) for ref in (None, "newest", 9, "9")] == [100, 100, 9, 9]


@pytest.mark.parametrize("name", ["07", "0", "x", "7a", "-7", "+7", "7.0", " 7", "\u0667", "\u00b2", "latest", ".new"])
def test_a_folder_that_is_not_called_by_a_number_is_no_release(
    folder_store: Store, publish: Publish, name: str
) -> None:
    publish(folder_store, 3)
    place(folder_store, f"releases/{name}/{MANIFEST}")
    assert folder_store.numbers() == [3]
    assert folder_store.next_number() == 4
    assert folder_store.release().number == 3


def test_the_first_release_is_1(store: Store, publish: Publish) -> None:
    assert store.next_number() == 1
    published = publish(store, 1)
    assert published.location == f"{store.location}/releases/1"
    assert store.next_number() == 2


def test_a_store_that_does_not_exist_is_not_made_by_asking(folder_store: Store) -> None:
    assert folder_store.next_number() == 1
    assert not folder_store.exists()
    for question in (folder_store.numbers, folder_store.release, lambda: folder_store.release("stable")):
        with pytest.raises(MissingError, match="there is no store at") as caught:
            question()
        assert folder_store.location in str(caught.value)


@pytest.mark.parametrize("folder", ["", "releases"])
def test_an_empty_store_says_that_it_holds_no_release(tmp_path: Path, folder: str) -> None:
    (tmp_path / "store" / folder).mkdir(parents=True)
    store = Store(tmp_path / "store")
    assert store.numbers() == []
    assert store.next_number() == 1
    for number in (None, 1):
        with pytest.raises(MissingError, match="holds no release") as caught:
            store.release(number)
        assert store.location in str(caught.value)


def test_a_missing_number_is_answered_with_those_that_are_there(store: Store, publish: Publish) -> None:
    for number in (2, 10):
        publish(store, number)
    with pytest.raises(MissingError, match=r"has no release 3; it holds 2, 10$"):
        store.release(3)


@pytest.mark.parametrize("ref", ["", "7a", "-7", "7.0", "Stable", "../7", "a b", "a" * 64, "7" * 5000])
def test_what_is_neither_a_number_nor_an_alias_is_a_usage_error(
    folder_store: Store, publish: Publish, ref: str
) -> None:
    publish(folder_store, 7)
    with pytest.raises(UsageError, match="is no alias"):
        folder_store.release(ref)


def test_a_published_release_is_read_back_whole(store: Store, publish: Publish) -> None:
    published = publish(store, 4, "words")
    release = store.release(4)
    assert release == published
    assert release.read("repository/model.onnx") == b"words"
    assert release.manifest_sha256 == hashlib.sha256(release.manifest.to_json()).hexdigest()
    release.verify()
    assert open_storage(store.location).files() == [
        "numbers/4.json",
        "releases/4/release.json",
        "releases/4/repository/model.onnx",
    ]


def test_a_published_release_can_be_read_by_other_users(folder_store: Store, publish: Publish) -> None:
    assert Path(publish(folder_store, 1).location).stat().st_mode & 0o777 == 0o755


def test_a_local_copy_is_whole_and_compared(store: Store, publish: Publish) -> None:
    release = publish(store, 4, "words")
    store.attach_signature(release, b"signature")
    with store.local_copy(release) as folder:
        assert sorted(digests(folder)) == ["release.json", "release.sig", "repository/model.onnx"]
        assert (folder / "release.json").read_bytes() == release.document
    place(store, "releases/4/repository/model.onnx", b"WORDS")
    with pytest.raises(RefusedError, match=r"model\.onnx was altered"), store.local_copy(release):
        pass


def test_what_triton_serves_is_copied_compared(store: Store, publish: Publish, tmp_path: Path) -> None:
    release = publish(store, 4, "words")
    release.copy_repository(tmp_path / "served")
    assert [path.name for path in (tmp_path / "served").iterdir()] == ["model.onnx"]
    place(store, "releases/4/repository/model.onnx", b"WORDS")
    with pytest.raises(RefusedError, match=r"releases/4/repository/model\.onnx was altered"):
        release.copy_repository(tmp_path / "refused")


def test_a_signature_is_replaced_and_the_release_stays_whole(store: Store, publish: Publish) -> None:
    release = publish(store, 1)
    assert release.signature() is None
    for content in (b"first", b"second"):
        store.attach_signature(release, content)
        assert release.signature() == content
        release.verify()


def test_an_upload_without_its_manifest_is_no_release_and_its_number_is_taken_by_nobody(
    store: Store, publish: Publish
) -> None:
    publish(store, 1)
    place(store, "releases/2/repository/model.onnx")
    assert store.numbers() == [1]
    assert store.release().number == 1


def test_a_number_is_never_given_twice(store: Store, publish: Publish) -> None:
    for number in (1, 2):
        publish(store, number)
    open_storage(store.location).remove_all("releases/2", last=MANIFEST)  # by hand
    assert store.numbers() == [1]
    assert store.next_number() == 3
    with pytest.raises(OpsError, match=r"release 2 is being published by ann@host since .*; build again"):
        publish(store, 2, "another")


@pytest.mark.parametrize("number", ["2147483648", "9" * 40])
def test_a_number_that_no_release_can_have_is_refused_and_not_followed(
    store: Store, publish: Publish, number: str
) -> None:
    publish(store, 7)
    place(store, f"releases/{number}/{MANIFEST}")
    assert store.numbers() == [7]
    assert store.next_number() == 8
    place(store, f"numbers/{number}.json")
    with pytest.raises(RefusedError, match=rf"/numbers/{number}\.json is above 2147483647") as caught:
        store.next_number()
    assert len(str(caught.value).splitlines()) == 1


def test_after_the_last_number_there_is_none(folder_store: Store, publish: Publish) -> None:
    publish(folder_store, 2**31 - 2)
    assert folder_store.next_number() == 2**31 - 1
    publish(folder_store, 2**31 - 1)
    with pytest.raises(RefusedError, match="has no number left after 2147483647"):
        folder_store.next_number()


def test_the_claim_of_another_number_is_refused(store: Store, publish: Publish) -> None:
    for number in (7, 8):
        publish(store, number)
    claim = open_storage(store.location).read("numbers/7.json") or b""
    place(store, "numbers/8.json", claim)
    with pytest.raises(RefusedError, match=r"numbers/8\.json is corrupt: its number is 7, not 8"):
        store.release(8)
    assert store.release(7).number == 7


def test_the_manifest_of_another_release_is_refused(store: Store, publish: Publish) -> None:
    place(store, "releases/8/release.json", publish(store, 7).document)
    with pytest.raises(RefusedError, match=r"8/release\.json is the manifest of release 7, not 8$"):
        store.release(8)


def test_another_manifest_than_the_published_one_is_refused(store: Store, publish: Publish) -> None:
    release = publish(store, 7)
    better = release.document.replace(b'"top1_agreement": 1.0', b'"top1_agreement": 0.9')
    assert better != release.document
    place(store, "releases/7/release.json", better)
    with pytest.raises(RefusedError, match=r"release\.json was altered: it is not what ann@host published at"):
        store.release(7)


def test_one_bad_release_does_not_hide_the_others(store: Store, publish: Publish) -> None:
    for number in (1, 2):
        publish(store, number)
    place(store, "releases/1/release.json", b"{")
    found = store.releases()
    assert isinstance(found[1], RefusedError)
    assert found[2] == store.release(2)


@pytest.mark.parametrize("location", ["http://bucket", "S3://bucket", "file:///tmp", "s3a://bucket", "gs://bucket"])
def test_a_scheme_that_no_store_has_is_a_usage_error(location: str) -> None:
    with pytest.raises(UsageError, match="has a scheme that no store has"):
        Store(location)


@pytest.mark.parametrize("name", ["a::b", "a?b", "a#b", "a*b", "[a]", "a b", "file:a", "äöü"])
def test_a_folder_may_have_any_name(tmp_path: Path, publish: Publish, name: str) -> None:
    store = Store(tmp_path / name)
    publish(store, 1)
    store.tag("stable", 1)
    Store(str(tmp_path / name)).release("stable").verify()
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("off_by", [timedelta(hours=1), timedelta(hours=-1)])
def test_case_17_a_clock_that_is_off_changes_no_decision(store: Store, publish: Publish, off_by: timedelta) -> None:
    right = Store(store.location, clock=lambda: datetime.now(UTC))
    wrong = Store(store.location, clock=lambda: datetime.now(UTC) + off_by)
    assert [publish(writer, writer.next_number()).number for writer in (right, wrong, right, wrong)] == [1, 2, 3, 4]
    for writer, number in ((right, 1), (wrong, 2), (right, 3), (wrong, 4), (right, 2)):
        writer.tag("stable", number)
        assert [reader.resolve("stable") for reader in (right, wrong)] == [number, number]
        assert [reader.resolve("newest") for reader in (right, wrong)] == [4, 4]
    assert [entry.number for entry in wrong.history("stable")] == [1, 2, 3, 4, 2]
    for writer in (right, wrong):
        with pytest.raises(OpsError, match="release 3 was published by"):
            publish(writer, 3, "another")
    assert wrong.prune(keep=1, dry_run=True) == right.prune(keep=1) == [1, 3]
    times = [entry.at for entry in right.history("stable")]
    assert times != sorted(times)  # the control: by the clock, the order would have been another
    print(f"case 17: {off_by} off, 5 tags, 4 numbers, 2 refusals and a prune decided alike")
