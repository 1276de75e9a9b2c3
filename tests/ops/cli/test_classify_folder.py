"""`triptych classify` over folders, against a server of the real protocols."""

import csv
import io
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import TRIPTYCH
from triptych.testing import Failure, FakeServer, label

from .conftest import Command


@pytest.fixture(scope="module")
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of 20 files, of which one is empty, and of others."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for number in range(20):
        (folder / f"{number:02}.jpg").write_bytes(b"" if number == 7 else b"image %d" % number)
    (folder / "more" / "one.png").write_bytes(b"one more")
    (folder / "notes.txt").write_bytes(b"notes")
    return folder


def test_each_file_is_a_row_as_json(command: Command, server: FakeServer, photos: Path) -> None:
    done = command("classify", photos, "--json", "--url", server.grpc_url)
    assert done.status == 1
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["image"] for row in rows] == [f"{photos}/{number:02}.jpg" for number in range(20)]
    assert rows[7]["error"]["code"] == "empty_image"
    assert rows[7]["predictions"] == []
    assert rows[8]["predictions"][0]["label"] == label(b"image 8")
    summary, skipped = done.stderr.splitlines()
    assert summary.startswith("20 files: 19 classified, 1 failed (1 empty_image); ")
    assert summary.endswith(" images/s")
    assert skipped == "skipped: folders in folders (1), not named like images (1)"


def test_each_file_is_a_row_as_csv_and_all_well_is_0(command: Command, server: FakeServer, photos: Path) -> None:
    (photos / "07.jpg").unlink()
    done = command("classify", photos, "-r", "--csv", "--top-k", 2, "--url", server.http_url)
    assert done.status == 0
    rows = [*csv.DictReader(io.StringIO(done.stdout))]
    assert len(rows) == 20
    assert (rows[-1]["image"], rows[-1]["label"]) == (f"{photos}/more/one.png", label(b"one more"))
    assert (rows[0]["label_2"], rows[0]["score_2"]) == ("another", "0.25")


def test_tables_and_words_where_no_rows_are_asked_for(command: Command, server: FakeServer, photos: Path) -> None:
    done = command("classify", photos, "--url", server.grpc_url)
    assert done.status == 1
    assert label(b"image 8") in done.stdout
    assert done.stderr.splitlines()[0].endswith("07.jpg: the image has 0 bytes (empty_image)")


def test_single_files_as_before(command: Command, server: FakeServer, photos: Path) -> None:
    done = command("classify", photos / "01.jpg", photos / "07.jpg", "missing.jpg", "--json", "--url", server.grpc_url)
    assert done.status == 1
    assert [json.loads(line)["error"] is None for line in done.stdout.splitlines()] == [True, False, False]
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["triptych", "triptych"]


def test_a_run_goes_on_where_it_was_stopped(command: Command, server: FakeServer, photos: Path) -> None:
    arguments = ["classify", photos, "--json", "--out", "rows.jsonl", "--url", server.grpc_url]
    assert command(*arguments).status == 1
    rows = Path("rows.jsonl").read_bytes()
    lines = rows.splitlines(keepends=True)
    Path("rows.jsonl").write_bytes(b"".join(lines[:12]) + lines[12][:40])
    asked = server.requests
    done = command(*arguments, "--resume")
    assert done.status == 1  # of the failure that it held
    assert done.stdout == ""
    assert done.stderr.startswith("8 files: 8 classified, 0 failed; ")
    assert done.stderr.endswith("before: 12 in rows.jsonl, 1 of them failed\n")
    images = [json.loads(line)["image"] for line in Path("rows.jsonl").read_bytes().splitlines()]
    assert images == [f"{photos}/{number:02}.jpg" for number in range(20)]
    assert server.requests == asked + 1
    assert command(*arguments, "--resume").stderr.startswith("0 files: 0 classified, 0 failed; ")
    assert server.requests == asked + 1


@pytest.mark.parametrize("form", ["json", "csv"])
def test_kill_9_loses_no_row_and_doubles_none(photos: Path, form: str) -> None:
    for number in range(20, 200):
        (photos / f"{number}.jpg").write_bytes(b"image %d" % number)
    out = photos.parent / "rows"
    rows, killed = b"", 0
    with FakeServer(answer_s=0.05) as server:
        arguments = ["classify", str(photos), f"--{form}", "--out", str(out), "--resume", "--url", server.grpc_url]
        command = [str(TRIPTYCH), *arguments]
        for _ in range(3):
            with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
                while process.poll() is None and len(whole_rows(out).splitlines()) < len(rows.splitlines()) + 20:
                    time.sleep(0.002)
                process.kill()
            killed += process.returncode == -signal.SIGKILL
            assert whole_rows(out).startswith(rows)
            rows = whole_rows(out)
        assert killed
        assert subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 1
    assert out.read_bytes().startswith(rows)
    found = whole_rows(out).decode().splitlines()
    images = [json.loads(line)["image"] if form == "json" else line.partition(",")[0] for line in found]
    expected = sorted(str(path) for path in photos.glob("*.jpg"))
    assert images == (expected if form == "json" else ["image", *expected])


def whole_rows(path: Path) -> bytes:
    """What the file holds up to its last line break."""
    data = path.read_bytes() if path.exists() else b""
    return data[: data.rfind(b"\n") + 1]


def test_a_server_that_goes_away_ends_the_run_and_the_rows_stay(command: Command, photos: Path) -> None:
    def failure(request: int) -> Failure | None:
        return Failure("UNAVAILABLE", http=503) if request > 2 else None

    with FakeServer(failure=failure) as server:
        arguments = ["classify", photos, "--json", "--out", "rows", "--timeout", 1, "--url", server.grpc_url]
        done = command(*arguments)
        assert done.status == 1
        assert done.stderr.startswith("16 of 20 files: 15 classified, 1 failed (1 empty_image); ")
        assert "; --resume goes on" in done.stderr
        assert done.stderr.splitlines()[-1].startswith("triptych: ")
    assert len(Path("rows").read_text().splitlines()) == 16


def test_a_folder_that_cannot_be_read_is_said_and_counts(command: Command, server: FakeServer, photos: Path) -> None:
    (photos / "07.jpg").unlink()
    folder = photos
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for _ in range(24):  # more than a path may have
            Path("x" * 200).mkdir()
            os.chdir("x" * 200)
    done = command("classify", photos, "-r", "--csv", "--url", server.grpc_url)
    assert done.status == 1
    assert len(done.stdout.splitlines()) == 21
    assert done.stderr.startswith("triptych: folder skipped: File name too long")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["photos", "--json", "--csv"], 2, "--json and --csv exclude each other"),
        (["photos", "--out", "rows"], 2, "--out is for rows; add --json or --csv"),
        (["photos", "--resume", "--json"], 2, "--resume goes on with a file; name it with --out"),
        (["photos", "--json", "--out", "photos/notes.txt"], 2, "holds something; go on with it by --resume"),
        (["photos", "--json", "--out", "photos/notes.txt", "--resume"], 4, "holds other than such rows"),
        (["photos", "--json", "--out", "photos"], 1, "Is a directory: photos"),
        (["photos", "--json", "--out", "nowhere/rows"], 1, "No such file or directory: nowhere/rows"),
        (["empty", "--json"], 3, "there is no image in empty; see --recursive and --all"),
        (["texts", "--json"], 3, "there is no image in texts, but not named like images (1)"),
        (["photos", "--json", "--url", "grpc://127.0.0.1:1"], 1, "no gRPC server answers"),
    ],
)
def test_one_line_where_nothing_is_done(
    command: Command, photos: Path, arguments: list[str], status: int, words: str
) -> None:
    os.chdir(photos.parent)
    for folder in ("empty", "texts"):
        Path(folder).mkdir()
    Path("texts/notes.txt").touch()
    done = command("classify", *arguments)
    assert (done.status, done.stdout) == (status, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("triptych: ")
    assert words in line
    assert Path("photos/notes.txt").read_bytes() == b"notes"


def test_the_file_of_the_rows_is_none_of_the_images(command: Command, server: FakeServer, photos: Path) -> None:
    out = photos / "rows"
    arguments = ["classify", photos, "--all", "--json", "--out", out, "--resume", "--url", server.grpc_url]
    assert command(*arguments).stderr.startswith("21 files")
    assert command(*arguments).stderr.startswith("0 files")
    assert len(out.read_text().splitlines()) == 21
