import os
import subprocess
import sys
from pathlib import Path

import pytest

from triptych_ops.scratch import scratch_folder

HOLD = """
import sys
from pathlib import Path
from triptych_ops.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1]), prefix="x-") as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_the_folder_is_private_and_gone_at_the_end(tmp_path: Path) -> None:
    with scratch_folder(tmp_path, prefix="x-") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "file").touch()
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_gone_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), scratch_folder(tmp_path, prefix="x-"):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_a_live_owner_keeps_its_folder_and_a_killed_one_loses_it(tmp_path: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    owned = Path(owner.stdout.readline().strip())
    with scratch_folder(tmp_path, prefix="x-"):
        assert owned.is_dir()
    owner.kill()
    owner.communicate()
    assert owned.is_dir()
    with scratch_folder(tmp_path, prefix="other-"):
        assert owned.is_dir()
    with scratch_folder(tmp_path, prefix="x-"):
        assert not owned.exists()


@pytest.mark.parametrize("planted", ["pipe", "loop", "file"])
def test_what_somebody_planted_under_our_prefix_stops_nobody(tmp_path: Path, planted: str) -> None:
    trap = tmp_path / "x-trap"
    if planted == "pipe":
        os.mkfifo(trap)
    elif planted == "loop":
        trap.symlink_to(trap)
    else:
        trap.touch()
    with scratch_folder(tmp_path, prefix="x-") as folder:
        assert folder.is_dir()
    assert os.path.lexists(trap)


def test_a_link_under_our_prefix_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "x-link").symlink_to(tmp_path / "precious")
    with scratch_folder(tmp_path, prefix="x-"):
        assert (tmp_path / "precious").is_dir()


def test_a_users_folder_that_begins_alike_is_never_taken_for_an_abandoned_one(tmp_path: Path) -> None:
    own = tmp_path / "x-files"
    (own / "work").mkdir(parents=True)
    with scratch_folder(tmp_path, prefix="x-"):
        assert (own / "work").is_dir()
