"""Reads hostile files as `triptych data` does, each in a process of its own, and says what came of it.

A line of JSON on stdin names a file and a folder for what is converted; the answer is a line of JSON on stdout. All is
imported once, before the processes are forked, so that an input costs milliseconds.
"""

import io
import json
import os
import resource
import shutil
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from PIL import Image

from triptych_ops import cli
from triptych_ops.training.data import conversion, findings, hdf5, inspection, opening, tfrecord, webdataset

_MORE_MEMORY_BYTES = 4 << 30  # of addresses: so that a failing test does not take the machine with it

Image.init()
_IMPORTED = (conversion, findings, inspection)  # by the commands, when they are asked for


def _plant(control: str, outside: Path) -> None:
    """Put a defect into the readers, which the test has to find."""

    def defective(*_arguments: object) -> Any:
        if control == "traceback":
            raise IndexError("list index out of range")
        if control == "allocation":
            return bytearray(os.urandom(1 << 20) * 600)
        if control == "hang":
            time.sleep(60)
        return outside.read_bytes()

    for module in (hdf5, opening, tfrecord, webdataset):
        for name in ("read_hdf5", "read_image_folder", "read_tfrecord", "read_webdataset"):
            if hasattr(module, name):
                setattr(module, name, defective)


def _status(*arguments: object) -> int:
    """Run the command line in this process."""
    sys.argv = ["triptych", *map(str, arguments)]
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    return cli.run()


def _read(path: Path, scratch: Path) -> dict[str, Any]:
    """Check a file, and convert it if it could be opened; what the commands printed, and what they took."""
    statuses, words, error = list[int](), list[str](), None
    for command in (("check", path), ("convert", path, scratch / "converted")):
        if statuses and "reading " not in words[0]:
            break
        sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
        try:
            statuses.append(_status("data", *command))
        except BaseException:
            error = traceback.format_exc()
            statuses.append(-1)
        words.append(sys.stderr.getvalue())
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    shutil.rmtree(scratch, ignore_errors=True)
    return {
        "statuses": statuses,
        "stderr": words,
        "error": error,
        "peak_bytes": max(each.ru_maxrss for each in used) * 1024,
        "cpu_s": sum(each.ru_utime + each.ru_stime for each in used),
    }


def _forked(path: Path, scratch: Path, limit_s: float) -> dict[str, Any]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + _MORE_MEMORY_BYTES, used + _MORE_MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with os.fdopen(writing, "w") as answers:
            answers.write(json.dumps(_read(path, scratch)))
        os._exit(0)
    os.close(writing)
    timer = threading.Timer(limit_s, os.kill, (pid, signal.SIGKILL))
    timer.start()
    with os.fdopen(reading) as answers:
        text = answers.read()
    _, status = os.waitpid(pid, 0)
    timer.cancel()
    if text:
        answer: dict[str, Any] = json.loads(text)
        return answer
    return {
        "error": f"the process ended by signal {os.WTERMSIG(status)}",
        "statuses": [],
        "stderr": [],
        "peak_bytes": 0,
        "cpu_s": 0.0,
    }


def main() -> None:
    """Answer until stdin ends."""
    control, outside, limit_s = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    if control != "none":
        _plant(control, outside)
    for line in sys.stdin:
        task = json.loads(line)
        answer = _forked(Path(task["path"]), Path(task["scratch"]), limit_s)
        sys.__stdout__.write(json.dumps(answer) + "\n")  # type: ignore[union-attr]
        sys.__stdout__.flush()  # type: ignore[union-attr]


if __name__ == "__main__":
    main()
