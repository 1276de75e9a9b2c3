"""Case 51: shared memory is the server's user's alone, and what a killed tree of processes left is removed."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from commands import gone
from triptych_ops.runtime import Ports, Server, find_installation, regions
from triptych_ops.runtime.shared_memory import PLACE

from .served import Watched, await_true, serves

NOBODY = 65534
ENDED_WITHIN_S = 15.0
_READ = "import os, sys; os.setgroups([]); os.setuid(int(sys.argv[1])); open(sys.argv[2], 'rb').read(1)"


@contextmanager
def server(store: Path) -> Iterator[Server]:
    """A ready server in this process."""

    def copy(folder: Path) -> None:
        shutil.copytree(store / "releases" / "1" / "repository", folder)

    with Server(find_installation(os.environ), copy, Ports.free()) as running:
        running.wait_ready()
        yield running


def regions_of(folder_name: str) -> list[Path]:
    """The shared memory of the server with this folder, its owner's mark included."""
    return sorted(PLACE.glob(f"{folder_name}-*"))


def others_read(path: Path) -> bool:
    """Whether another user can read a file."""
    done = subprocess.run([sys.executable, "-c", _READ, str(NOBODY), str(path)], capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_case_51_no_other_user_reads_a_region(store: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with server(store) as running:
            found = regions_of(running.folder.name)
            modes = {oct(path.stat().st_mode & 0o777) for path in found}
            readable = [path for path in found if others_read(path)]
    finally:
        os.umask(before)
    print(
        f"case 51: umask {umask:03o}: {len(found)} files of modes {sorted(modes)}, {len(readable)} read by another user"
    )
    assert len(found) >= 4
    assert modes == {"0o600"}
    assert not readable


def test_without_the_filter_another_user_reads_them(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a umask alone does not do it."""
    monkeypatch.setattr(regions, "_FILTER", None)
    with server(store) as running:
        assert any(others_read(path) for path in regions_of(running.folder.name))


def test_case_51_the_next_start_removes_what_the_dead_left_and_nothing_of_the_living(
    store: Path, tmp_path: Path
) -> None:
    folders = [tmp_path / "dead", tmp_path / "living", tmp_path / "next"]
    for folder in folders:
        folder.mkdir()
    with Watched(store, folders[1]) as living:
        kept = living.traces()
        dead = Watched(store, folders[0])
        with dead:
            left = {path for path in dead.traces() if path.parent == PLACE}
            processes = [*dead.guards(), *dead.children()]
            dead.process.kill()
            for process in processes:
                process.kill()
            assert gone(processes, within_s=10)
        assert left
        remaining = [path for path in left if path.exists()]
        assert remaining  # else there is nothing to be removed
        with Watched(store, folders[2]):
            removed = [path for path in left if not path.exists()]
            assert living.traces() == kept
        assert serves(living.ports)
    print(
        f"case 51: after SIGKILL of the whole tree {len(remaining)} files were left, the next start removed "
        f"{len(removed)} of {len(left)}, and none of {len(kept)} of the living"
    )
    assert len(removed) == len(left)


@pytest.mark.parametrize("with_guard", [True, False])
def test_hostile_10_a_stopped_server_does_not_outlive_its_owner(store: Path, tmp_path: Path, with_guard: bool) -> None:
    (tmp_path / "next").mkdir()
    serving = Watched(store, tmp_path)
    with serving:
        processes = serving.children()
        left = serving.traces()
        for process in processes:
            process.suspend()
        if not with_guard:
            for guard in serving.guards():
                guard.kill()
        killed_s = time.monotonic()
        serving.process.send_signal(signal.SIGKILL)
        serving.process.wait(10)
        if with_guard:
            ended = partial(gone, processes, within_s=0)
            ended_s = await_true(ended, since_s=killed_s, within_s=ENDED_WITHIN_S, what="all have ended")
        else:
            again = Watched(store, tmp_path / "next")
            again.ports = serving.ports
            with again:
                assert gone(processes, within_s=0)
                ended_s = time.monotonic() - killed_s
        in_memory = [path for path in left if path.parent == PLACE]
        await_true(
            lambda: not any(path.exists() for path in in_memory),
            since_s=killed_s,
            within_s=ENDED_WITHIN_S,
            what="its shared memory is removed",
        )
    who = "the guard" if with_guard else "the next start, on the same ports,"
    print(
        f"hostile 10: of a stopped server whose owner was killed {who} ended {len(processes)} processes "
        f"within {ended_s:.1f} s, and {len(in_memory)} files in shared memory were removed"
    )
    assert in_memory


def test_hostile_15_no_start_leaves_folders_of_environments(store: Path) -> None:
    def folders() -> set[Path]:
        return set(Path("/tmp").glob("python_env_*"))  # noqa: S108  where Triton makes them, whatever TMPDIR is

    before = folders()
    with server(store) as running:
        during = folders() - before
        running.restart()
        running.wait_ready()
    left = folders() - before
    print(f"hostile 15: {len(during)} folders at a start, {len(left & during)} left after a replacement and a stop")
    assert during  # else this Triton makes none, and the test shows nothing
    assert not left & during
