"""The console script: says what to install where the command line's packages are missing."""

import sys

from triptych_ops.extras import extra_of, missing_package_message


def main() -> None:
    """Run `triptych`; the process ends with one of the documented exit codes."""
    try:
        sys.exit(_run())
    except KeyboardInterrupt:  # before or after a command could see to it: while its packages are imported
        sys.stderr.write("triptych: interrupted\n")
        sys.exit(130)


def _run() -> int:
    try:
        from triptych_ops.cli import run
    except ModuleNotFoundError as error:
        message = missing_package_message(error, extra=extra_of(sys.argv[1:]))
        if message is None:
            raise
        sys.stderr.write(f"triptych: {message}\n")
        return 1
    return run()
