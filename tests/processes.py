"""Runs a piece of Python in an interpreter of its own: for what forks, or changes the interpreter itself."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

_TESTS = Path(__file__).parent


def python(program: str, *arguments: object, timeout_s: float = 60) -> str:
    """What the program printed; `arguments` are its `sys.argv[1:]`. It must end well."""
    done = subprocess.run(
        [sys.executable, "-c", dedent(program), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env={**os.environ, "PYTHONPATH": str(_TESTS)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout
