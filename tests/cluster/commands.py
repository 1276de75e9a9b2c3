"""Runs a program to its end."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cluster.errors import ClusterError


def run(command: Sequence[str], *, cwd: Path, **environment: str) -> str:
    """What it printed.

    Raises:
        ClusterError: it is not installed, or failed; the end of what it said is in the message
    """
    try:
        done = subprocess.run(
            command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise ClusterError(f"{command[0]} is not installed: install it, or set KUBECONFIG") from error
    if done.returncode != 0:
        raise ClusterError(f"{' '.join(command[:4])} failed: {done.stderr.strip()[-2000:]}")
    return done.stdout
