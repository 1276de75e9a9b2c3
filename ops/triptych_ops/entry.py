"""The console script: says what to install where the command line's packages are missing."""

import sys


def main() -> None:
    """Run `triptych`; the process ends with one of the documented exit codes."""
    try:
        from triptych_ops.cli import run
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("triptych"):
            raise
        sys.stderr.write(f"triptych: the command line needs {error.name}; run: pip install 'triptych[cli]'\n")
        sys.exit(1)
    try:
        sys.exit(run())
    except KeyboardInterrupt:  # before or after a command could see to it
        sys.exit(130)
