"""Runs the `triptych` command at a terminal of its own."""

import fcntl
import os
import pty
import struct
import termios
from collections.abc import Mapping
from pathlib import Path

from commands import TRIPTYCH


def at_terminal(
    *arguments: object, columns: int = 80, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """`triptych ARGUMENTS…` with a terminal for stdout and stderr; its exit status, and what the screen was sent."""
    pid, terminal = pty.fork()
    if pid == 0:
        try:
            os.chdir(cwd or ".")
            environment = {**os.environ, "TERM": "xterm", "COLUMNS": "", **(env or {})}
            os.execve(TRIPTYCH, [str(TRIPTYCH), *map(str, arguments)], environment)  # noqa: S606
        finally:
            os._exit(127)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    sent = b""
    while block := _read(terminal):
        sent += block
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), sent.decode("utf-8", "backslashreplace").replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""
