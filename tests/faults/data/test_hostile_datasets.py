"""Hostile HDF5 files, TFRecord files and WebDataset shards: one line, little memory and time, no other file opened.

Each goes through `triptych data check`, and those that open through `triptych data convert` as well.
"""

import ctypes
import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from . import hostile_hdf5, hostile_records, mutations

_MOST_BYTES = 512 << 20
_MOST_CPU_S = 10.0  # of processors: others may be at work on this machine
_WALL_S = 200
_EXIT_CODES = {0, 1, 3, 4}
_PROGRAM = Path(__file__).with_name("reader.py")
_OPENED = 0x20  # IN_OPEN of inotify


@dataclass
class Tally:
    """What came of all inputs of one form."""

    inputs: int = 0
    opened: int = 0
    peak_bytes: int = 0
    cpu_s: float = 0.0
    faults: list[str] = field(default_factory=list)

    def add(self, name: str, answer: Mapping[str, Any]) -> None:
        """Judge what came of an input."""
        self.inputs += 1
        self.opened += len(answer["statuses"]) > 1
        self.peak_bytes = max(self.peak_bytes, answer["peak_bytes"])
        self.cpu_s = max(self.cpu_s, answer["cpu_s"])
        if answer["error"]:
            self.faults.append(f"{name}: {answer['error'].strip().splitlines()[-1]}")
        for status, text in zip(answer["statuses"], answer["stderr"], strict=True):
            words = [line for line in text.splitlines() if line.startswith("triptych: ")]
            if status not in _EXIT_CODES or len(words) != (status != 0) or "Traceback" in text:
                self.faults.append(f"{name}: status {status}, {text!r}")
        if answer["peak_bytes"] > _MOST_BYTES or answer["cpu_s"] > _MOST_CPU_S:
            self.faults.append(f"{name}: {answer['peak_bytes'] >> 20} MiB, {answer['cpu_s']:.1f} s")

    def figure(self, form: str) -> str:
        """Everything in one line."""
        return (
            f"{form}: {self.inputs} hostile files, {len(self.faults)} faults, {self.opened} could be opened; "
            f"at most {self.peak_bytes >> 20} MiB and {self.cpu_s:.1f} s of processor time"
        )


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file that no input may lead to, and beside it an HDF5 file with images; nothing else is in their folder."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_bytes(b"root:x:0:0:secret\n" * 40)
    with h5py.File(folder / "secret.h5", "w") as file:
        file["images"], file["labels"] = np.full((6, 8, 8), 65, np.uint8), np.arange(6) % 2
        file["classes"] = np.array(["a", "b"], dtype=h5py.string_dtype())
    return folder / "secret"


@contextmanager
def _watched(folder: Path) -> Iterator[Callable[[], set[str]]]:
    """Tell which files of a folder are opened, by whomever and whatever library."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_NONBLOCK)
    assert watch >= 0
    assert libc.inotify_add_watch(watch, bytes(folder), _OPENED) >= 0

    def opened() -> set[str]:
        names, content = set(), b""
        try:
            while True:
                content += os.read(watch, 1 << 16)
        except BlockingIOError:
            pass
        while content:
            size = struct.unpack_from("iIII", content)[3]
            names.add(content[16 : 16 + size].rstrip(b"\0").decode())
            content = content[16 + size :]
        return names - {""}

    try:
        yield opened
    finally:
        os.close(watch)


def _tally(
    files: Mapping[str, Path], outside: Path, scratch: Path, *, control: str = "none", wall_s: float = _WALL_S
) -> Tally:
    tally = Tally()
    command = [sys.executable, str(_PROGRAM), control, str(outside), str(wall_s)]
    with (
        _watched(outside.parent) as opened,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader,
    ):
        assert reader.stdin
        assert reader.stdout
        for name, path in files.items():
            reader.stdin.write(json.dumps({"path": str(path), "scratch": str(scratch)}) + "\n")
            reader.stdin.flush()
            tally.add(name, json.loads(reader.stdout.readline()))
            tally.faults += [f"{name}: opened {file}" for file in sorted(opened())]
        reader.stdin.close()
    return tally


def _hdf5(folder: Path, outside: Path) -> dict[str, Path]:
    (folder / "sound").mkdir()
    files = hostile_hdf5.write(folder, outside)
    for number, content in enumerate(mutations.hdf5(hostile_hdf5.sound(folder / "sound"), 150)):
        files[f"damage {number}"] = folder / f"damage-{number}.h5"
        files[f"damage {number}"].write_bytes(content)
    return files


def _tfrecords(folder: Path, _outside: Path) -> dict[str, Path]:
    contents = {name: make() for name, make in hostile_records.TFRECORDS.items()}
    contents |= {f"damage {number}": content for number, content in enumerate(mutations.tfrecords(200))}
    return _written(folder, contents, ".tfrecord")


def _shards(folder: Path, outside: Path) -> dict[str, Path]:
    contents = {name: make(outside) for name, make in hostile_records.SHARDS.items()}
    contents |= {f"damage {number}": content for number, content in enumerate(mutations.shards(200))}
    return _written(folder, contents, ".tar")


def _written(folder: Path, contents: Mapping[str, bytes], suffix: str) -> dict[str, Path]:
    files = {}
    for number, (name, content) in enumerate(contents.items()):
        files[name] = folder / f"{number}{suffix}"
        files[name].write_bytes(content)
    return files


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("form", "write"), [("HDF5", _hdf5), ("TFRecord", _tfrecords), ("WebDataset", _shards)])
def test_case_53_a_hostile_data_set_is_one_line(
    form: str, write: Callable[[Path, Path], dict[str, Path]], outside: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    files = write(folder, outside)
    assert len(files) >= 200
    tally = _tally(files, outside, tmp_path / "scratch")
    print(f"case 53: {tally.figure(form)}")
    assert tally.faults == []
    assert tally.opened < len(files) / 2  # most are so damaged that there is something to refuse
    assert tally.opened > 0


@pytest.mark.parametrize(
    ("control", "words"),
    [
        ("traceback", "IndexError: list index out of range"),
        ("allocation", "MiB, "),
        ("outside", "opened secret"),
        ("hang", "the process ended by signal 9"),
    ],
)
def test_case_53_a_planted_defect_is_found(control: str, words: str, outside: Path, tmp_path: Path) -> None:
    files = _written(tmp_path, {"sound": hostile_records.shard()}, ".tar")
    tally = _tally(files, outside, tmp_path / "scratch", control=control, wall_s=5 if control == "hang" else _WALL_S)
    assert any(words in fault for fault in tally.faults), tally.faults
    assert _tally(files, outside, tmp_path / "scratch").faults == []
    print(f"case 53: control: a planted {control} is found")
