"""What only an object store can do, or fail to do; a real one answers."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from s3fs import S3FileSystem

from object_store import BUCKET, ObjectStore
from triptych_ops.errors import MissingError, OpsError, TimedOutError, UsageError
from triptych_ops.release import Release, Store
from triptych_ops.release.storage import objects as object_storage
from triptych_ops.release.storage import open_storage

pytestmark = pytest.mark.server
Publish = Callable[..., Release]
CONNECTION = object_storage._CONNECTION
LARGE = 20_000_000  # bytes: sent in parts, read in ranges


@pytest.fixture(autouse=True)
def _new_connections(objects: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test connects anew, and so do those after it: connections are shared while their options are the same.

    One attempt is enough here, and spares the waits before the others.
    """
    assert objects.url
    once = {**CONNECTION, "retries": {"mode": "standard", "total_max_attempts": 1}}
    monkeypatch.setattr(object_storage, "_CONNECTION", once)
    S3FileSystem.clear_instance_cache()
    yield
    S3FileSystem.clear_instance_cache()


def failure(location: str, kind: type[OpsError]) -> str:
    """What a listing ends with, one line."""
    with pytest.raises(kind) as caught:
        Store(location).numbers()
    assert type(caught.value) is kind
    message = str(caught.value)
    assert message.splitlines() == [message]
    return message


def test_a_bucket_that_is_not_there_is_named() -> None:
    assert failure("s3://nowhere/store", MissingError) == (
        "there is no bucket 'nowhere' for s3://nowhere/store; make it, or name another with --store"
    )


@pytest.mark.parametrize("location", ["s3://", "s3:///store"])
def test_a_url_without_a_bucket_is_a_usage_error(location: str) -> None:
    with pytest.raises(UsageError, match="names no bucket"):
        Store(location)


def test_a_name_that_no_bucket_has_is_a_usage_error() -> None:
    assert "s3://A b/store is no valid name of a bucket" in failure("s3://A b/store", UsageError)


def test_an_endpoint_that_is_no_url_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "here")
    assert failure(f"s3://{BUCKET}/store", UsageError) == "Invalid endpoint: here; check AWS_ENDPOINT_URL"


def test_without_credentials_it_says_how_to_give_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert failure(f"s3://{BUCKET}/store", OpsError) == (
        f"there are no credentials for s3://{BUCKET}/store; "
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    )


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_wrong_credentials_are_told_from_missing_ones(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "wrong")
    assert "does not take these credentials" in failure(f"s3://{BUCKET}/store", OpsError)


def test_who_may_only_read_can_read_and_is_refused_to_publish(
    new_prefix: Callable[[], str], objects: ObjectStore, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(new_prefix())
    publish(store, 1)
    for name, value in objects.environment(user="reader").items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()
    reader = Store(store.location)
    reader.release(1).verify()
    with pytest.raises(OpsError, match="refuses access: Access Denied"):
        publish(reader, 2)
    with pytest.raises(OpsError, match="refuses access: Access Denied"):
        reader.tag("stable", 1)
    assert reader.numbers() == [1]


def test_an_endpoint_where_nobody_is_ends_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    started = time.monotonic()
    assert failure(f"s3://{BUCKET}/store", OpsError) == (
        f"http://127.0.0.1:1 cannot be reached for s3://{BUCKET}/store; check AWS_ENDPOINT_URL and the network"
    )
    assert time.monotonic() - started < 30


def test_an_endpoint_that_never_answers_ends_in_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = CONNECTION["retries"]["total_max_attempts"]
    # One wait before each further attempt: 1 s, then 2 s at most.
    assert CONNECTION["read_timeout"] * attempts + 3 < 30
    monkeypatch.setattr(object_storage, "_CONNECTION", {**object_storage._CONNECTION, "read_timeout": 0.2})
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert "does not answer; check AWS_ENDPOINT_URL" in failure(f"s3://{BUCKET}/store", TimedOutError)


def test_an_endpoint_without_tls_says_so(monkeypatch: pytest.MonkeyPatch, objects: ObjectStore) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", objects.url.replace("http://", "https://"))
    assert "does not speak TLS as it should" in failure(f"s3://{BUCKET}/store", OpsError)


def test_a_listing_is_never_an_old_one(new_prefix: Callable[[], str], publish: Publish) -> None:
    location = new_prefix()
    reader, writer = Store(location), Store(location)
    for number in (1, 2):
        publish(writer, number)
        assert reader.numbers() == writer.numbers() == list(range(1, number + 1))
        reader.tag("stable", number)
        assert writer.aliases() == {"stable": number}


def test_a_large_file_goes_and_comes_in_pieces(new_prefix: Callable[[], str], publish: Publish) -> None:
    words = "0123456789" * (LARGE // 10)
    store = Store(new_prefix())
    publish(store, 1, words)
    assert store.release(1).read("repository/model.onnx") == words.encode()


def test_an_upload_that_breaks_off_leaves_nothing(new_prefix: Callable[[], str]) -> None:
    storage = object_storage.ObjectStorage(new_prefix())

    def breaks() -> Iterator[bytes]:
        yield bytes(LARGE)
        raise OpsError("broken")

    for size in (10, LARGE + 1):
        with pytest.raises(OpsError, match="broken"):
            storage.upload("file", breaks(), size=size)
    assert storage.files() == []
    assert uploads_below(storage.location) == []


def uploads_below(location: str) -> list[str]:
    """Keys of the uploads below a location that were begun and not ended."""
    prefix = location.removeprefix(f"s3://{BUCKET}/")
    answer = open_storage(location).filesystem.call_s3("list_multipart_uploads", Bucket=BUCKET, Prefix=f"{prefix}/")
    return [upload["Key"].removeprefix(f"{prefix}/") for upload in answer.get("Uploads", [])]


def begin_upload(location: str, name: str) -> None:
    key = f"{location.removeprefix(f's3://{BUCKET}/')}/{name}"
    open_storage(location).filesystem.call_s3("create_multipart_upload", Bucket=BUCKET, Key=key)


def test_parts_that_a_killed_publisher_sent_are_pruned(new_prefix: Callable[[], str], publish: Publish) -> None:
    locations = [new_prefix() for _ in range(2)]
    key = "releases/2/repository/model.onnx"
    for location in locations:
        publish(Store(location), 1)
        begin_upload(location, key)
    assert [uploads_below(location) for location in locations] == [[key], [key]]
    assert Store(locations[0]).prune_unfinished() == []
    assert [uploads_below(location) for location in locations] == [[], [key]]


def test_what_others_upload_beside_the_releases_is_left(new_prefix: Callable[[], str], publish: Publish) -> None:
    location = new_prefix()
    publish(Store(location), 1)
    begin_upload(location, "backups/db.dump")
    Store(location).prune_unfinished()
    assert uploads_below(location) == ["backups/db.dump"]


def test_a_name_that_begins_as_another_is_another(new_prefix: Callable[[], str], publish: Publish) -> None:
    """Keys are listed by their prefixes, so `…/1` alone would find `…/10`, and a store what lies in `store-old`."""
    location = new_prefix()
    store, neighbour = Store(location), Store(f"{location}-old")
    for each in (store, neighbour):
        publish(each, 1)
    publish(store, 10)
    assert (store.numbers(), neighbour.numbers()) == ([1, 10], [1])
    assert {name.split("/")[1] for name in open_storage(location).matching("releases/1/*")} == {"1"}
    whole = open_storage(f"{location}-old").files()
    assert store.prune(keep=1) == [1]
    assert store.numbers() == [10]
    assert store.release(10).read("repository/model.onnx")
    assert open_storage(f"{location}-old").files() == whole
