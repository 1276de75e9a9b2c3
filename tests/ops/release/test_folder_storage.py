"""A folder in which somebody planted what is no file; nothing of it is followed, waited for or read without end."""

import os
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from triptych_ops.errors import RefusedError
from triptych_ops.release import Release, Store
from triptych_ops.release.storage import FolderStorage, base, open_storage

Publish = Callable[..., Release]
PLANTED = [
    pytest.param(lambda path: path.symlink_to("/dev/zero"), id="link to what never ends"),
    pytest.param(lambda path: path.symlink_to("nowhere"), id="link to nothing"),
    pytest.param(lambda path: path.symlink_to(path.parent / "file"), id="link to a file"),
    pytest.param(lambda path: path.symlink_to(path), id="link to itself"),
    pytest.param(os.mkfifo, id="fifo"),
    pytest.param(lambda path: path.mkdir(), id="folder"),
    pytest.param(lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_RDWR), 1 << 40), id="a terabyte"),
]
Plant = Callable[[Path], object]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("plant", PLANTED)
def test_what_is_no_plain_small_file_is_neither_read_nor_written_over(tmp_path: Path, plant: Plant) -> None:
    storage = FolderStorage(tmp_path)
    (tmp_path / "file").write_bytes(b"content")
    plant(tmp_path / "planted")
    uses: tuple[Callable[[], object], ...] = (
        lambda: storage.read("planted"),
        lambda: storage.create("planted", b"x"),
    )
    for use in uses:
        with pytest.raises(RefusedError, match="planted is a link, a special file or larger than 16 MiB") as caught:
            use()
        assert str(caught.value).startswith(f"{tmp_path}/planted ")
    assert storage.read("file") == b"content"  # the controls
    assert storage.read("none") is storage.read("file/none") is None


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("name", "plant"),
    [
        ("numbers/7.json", lambda path: path.symlink_to("nowhere")),
        ("numbers/7.json", os.mkfifo),
        ("releases/7/release.json", lambda path: path.symlink_to("/dev/zero")),
        ("releases/7/release.json", os.mkfifo),
        ("releases/7/release.json", lambda path: path.mkdir()),
    ],
)
def test_a_planted_record_is_refused_and_hides_nothing_else(
    folder_store: Store, publish: Publish, plant: Plant, name: str
) -> None:
    for number in (6, 7):
        publish(folder_store, number)
    path = Path(folder_store.location) / name
    path.unlink()
    plant(path)
    with pytest.raises(RefusedError, match=f"{name} is a link, a special file or larger"):
        folder_store.release(7)
    found = folder_store.releases()
    assert isinstance(found[7], RefusedError)
    assert found[6] == folder_store.release(6)


def test_the_largest_that_is_read_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(base.LARGEST_READ_BYTES))
    assert open_storage(tmp_path).read("file") == bytes(base.LARGEST_READ_BYTES)


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        listening.bind("planted")
        with pytest.raises(RefusedError, match="planted is a link, a special file"):
            open_storage(tmp_path).read("planted")


@pytest.mark.timeout(20)
def test_a_link_in_the_place_of_a_claim_ends_a_publication_in_one_line(folder_store: Store, publish: Publish) -> None:
    claim = Path(folder_store.location) / "numbers/1.json"
    claim.parent.mkdir(parents=True)
    claim.symlink_to("nowhere")
    with pytest.raises(RefusedError, match=r"numbers/1\.json is a link") as caught:
        publish(folder_store, 1)
    assert len(str(caught.value).splitlines()) == 1
    assert folder_store.numbers() == []
