import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from triptych_ops.errors import RefusedError
from triptych_ops.release import FileDigest, digest, digests
from triptych_ops.release.integrity import copy, each_checked, verify
from triptych_ops.release.storage import open_storage

MANIFEST = "release.json"
Tamper = Callable[[Path], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "7"
    (folder / "repository" / "classifier" / "7").mkdir(parents=True)
    (folder / "repository" / "classifier" / "7" / "model.onnx").write_bytes(b"weights")
    (folder / "repository" / "classifier" / "config.pbtxt").write_bytes(b"")
    (folder / MANIFEST).write_bytes(b"{}")
    return folder


@pytest.fixture
def expected(folder: Path) -> dict[str, FileDigest]:
    return {name: found for name, found in digests(folder).items() if name != MANIFEST}


def test_a_digest_is_sha256_and_size(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    # The one-block message of FIPS 180-2, appendix B.1.
    sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest(tmp_path / "file") == FileDigest(sha256=sha256, size=3)


def test_digests_name_every_file_by_its_path_with_slashes(folder: Path) -> None:
    found = digests(folder)
    assert list(found) == [MANIFEST, "repository/classifier/7/model.onnx", "repository/classifier/config.pbtxt"]
    assert found["repository/classifier/config.pbtxt"].sha256 == hashlib.sha256().hexdigest()


def test_an_untouched_release_passes(folder: Path, expected: dict[str, FileDigest]) -> None:
    verify(open_storage(folder), expected)
    (folder / MANIFEST).write_bytes(b"the manifest itself is not among its files")
    (folder / "release.sig").write_bytes(b"nor is a signature")
    verify(open_storage(folder), expected)


GRAPH = "repository/classifier/7/model.onnx"
RENAMED = "repository/classifier/7/model.onn"
EXTRA = "repository/extra"


@pytest.mark.parametrize(
    ("tamper", "name", "problem"),
    [
        pytest.param(lambda at: (at / GRAPH).write_bytes(b"weighty"), GRAPH, "was altered", id="altered byte"),
        pytest.param(lambda at: (at / GRAPH).write_bytes(b"weight"), GRAPH, "was altered", id="cut off"),
        pytest.param(lambda at: (at / GRAPH).write_bytes(b""), GRAPH, "was altered", id="emptied"),
        pytest.param(lambda at: (at / GRAPH).unlink(), GRAPH, "is missing", id="removed"),
        pytest.param(lambda at: (at / GRAPH).rename(at / RENAMED), RENAMED, "is not in the manifest", id="renamed"),
        pytest.param(lambda at: (at / GRAPH).rename(at / EXTRA), GRAPH, "is missing", id="moved"),
        pytest.param(lambda at: (at / EXTRA).write_bytes(b""), EXTRA, "is not in the manifest", id="added"),
        pytest.param(
            lambda at: (at / "repository" / ".hidden").write_bytes(b""),
            "repository/.hidden",
            "is not in the manifest",
            id="added and hidden",
        ),
        pytest.param(
            lambda at: (at / "repository" / MANIFEST).write_bytes(b"{}"),
            f"repository/{MANIFEST}",
            "is not in the manifest",
            id="added under the manifest's name",
        ),
        pytest.param(lambda at: (at / EXTRA).symlink_to(at / GRAPH), EXTRA, "is a link", id="link to a file"),
        pytest.param(lambda at: (at / EXTRA).symlink_to(at / "repository"), EXTRA, "is a link", id="link to a folder"),
        pytest.param(lambda at: (at / EXTRA).symlink_to(at / "nowhere"), EXTRA, "is a link", id="link to nothing"),
        pytest.param(lambda at: os.mkfifo(at / EXTRA), EXTRA, "special file", id="fifo"),
    ],
)
def test_a_release_that_was_tampered_with_is_refused_by_the_files_name(
    folder: Path, expected: dict[str, FileDigest], tamper: Tamper, name: str, problem: str
) -> None:
    tamper(folder)
    with pytest.raises(RefusedError, match=problem) as caught:
        verify(open_storage(folder), expected)
    assert str(caught.value).startswith(f"{folder / name} ")


@pytest.mark.parametrize("name", [GRAPH, MANIFEST])
def test_a_link_to_the_very_same_bytes_is_refused(
    folder: Path, expected: dict[str, FileDigest], tmp_path: Path, name: str
) -> None:
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RefusedError, match="is a link") as caught:
        verify(open_storage(folder), expected)
    assert str(folder / name) in str(caught.value)


def test_the_first_of_several_problems_is_named(folder: Path, expected: dict[str, FileDigest]) -> None:
    (folder / "repository" / "zzz").write_bytes(b"")
    (folder / "repository" / "aaa").write_bytes(b"")
    with pytest.raises(RefusedError, match="/repository/aaa is not in the manifest"):
        verify(open_storage(folder), expected)


def test_a_copy_has_the_same_files(folder: Path, expected: dict[str, FileDigest], tmp_path: Path) -> None:
    moved: list[int] = []
    copy(open_storage(folder), expected, tmp_path / "copy", progress=moved.append)
    assert digests(tmp_path / "copy") == expected
    assert sum(moved) == len(b"weights")


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5_000_000])
def test_a_copy_is_whole_whatever_its_size(tmp_path: Path, size: int) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "file").write_bytes(bytes(range(256)) * (size // 256) + bytes(size % 256))
    expected = digests(tmp_path / "from")
    for durable in (False, True):
        copy(open_storage(tmp_path / "from"), expected, tmp_path / str(durable), durable=durable)
        assert digests(tmp_path / str(durable)) == expected


def test_what_was_altered_is_never_copied_whole(folder: Path, expected: dict[str, FileDigest], tmp_path: Path) -> None:
    (folder / GRAPH).write_bytes(b"weighty")
    with pytest.raises(RefusedError, match=r"model\.onnx was altered"):
        copy(open_storage(folder), expected, tmp_path / "copy")
    assert (tmp_path / "copy" / GRAPH).read_bytes() == b""


def test_a_file_that_grows_for_ever_is_not_followed(folder: Path, expected: dict[str, FileDigest]) -> None:
    (folder / GRAPH).unlink()
    (folder / GRAPH).symlink_to("/dev/zero")  # as if exchanged after the names were compared
    with pytest.raises(RefusedError, match="was altered"):
        each_checked(open_storage(folder), expected, lambda _name, chunks: [None for _ in chunks])


def test_a_hard_link_is_refused(folder: Path, expected: dict[str, FileDigest], tmp_path: Path) -> None:
    os.link(folder / "repository" / "classifier" / "7" / "model.onnx", tmp_path / "elsewhere")
    with pytest.raises(RefusedError, match=r"model\.onnx is a link"):
        verify(open_storage(folder), expected)


def test_a_release_cannot_be_made_of_links(folder: Path) -> None:
    (folder / "link").symlink_to(folder / MANIFEST)
    with pytest.raises(RefusedError, match="is a link"):
        digests(folder)
