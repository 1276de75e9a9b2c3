"""The summary of a run, and the bar that shows how far it is."""

import os
import pty
import subprocess
import sys

from triptych import Classification, ImageError, Prediction
from triptych_ops.cli.folder.tally import Tally

ANSWER = Classification((Prediction(1, "cup", 0.5),), 7, "id", 0.1)
_RUN = """
import sys

from triptych_ops.cli.folder.progress import progress
from triptych_ops.cli.folder.tally import Tally

with progress(Tally(), of=4000, answers_on_stdout=len(sys.argv) == 1) as show:
    show()
"""


def test_the_summary_has_files_failures_by_code_time_and_rate() -> None:
    now = [100.0]
    tally = Tally(clock=lambda: now[0])
    for _ in range(6):
        tally.add(ANSWER)
    for code in ("empty_image", "corrupt_image", "empty_image"):
        tally.add(ImageError(code, "", source="a.jpg"))
    now[0] = 104.5
    words = "6 classified, 3 failed (1 corrupt_image, 2 empty_image); 4.5 s, 2 images/s"
    assert tally.summary(of=9) == f"9 files: {words}"
    assert tally.summary(of=20) == f"9 of 20 files: {words}"


def test_nothing_done_in_no_time_is_no_error() -> None:
    assert Tally(clock=lambda: 1.0).summary(of=0) == "0 files: 0 classified, 0 failed; 0.0 s, 0 images/s"


def shown(stdout: int, *arguments: str) -> bytes:
    """What a run says on stderr that is a terminal; with an argument its answers go to a file."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    run = [sys.executable, "-c", _RUN, *arguments]
    subprocess.run(run, stdout=stdout or theirs, stderr=theirs, env=environment, check=True)
    os.write(theirs, b"END")
    os.close(theirs)
    said = b""
    while not said.endswith(b"END"):
        said += os.read(ours, 65536)
    os.close(ours)
    return said.removesuffix(b"END")


def test_a_terminal_shows_a_bar_unless_it_shows_the_answers() -> None:
    assert b"0/4000" in shown(subprocess.DEVNULL)
    assert shown(0) == b""
    assert b"0/4000" in shown(0, "rows.jsonl")


def test_what_is_no_terminal_shows_none() -> None:
    done = subprocess.run([sys.executable, "-c", _RUN], capture_output=True, check=True)
    assert done.stdout == done.stderr == b""
