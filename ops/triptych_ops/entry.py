"""The console script: says what to install where the command line's packages are missing."""

import sys

from triptych_ops.extras import extra_of, missing_package_message


def main() -> None:
    """Run `triptych`; the process ends with one of the documented exit codes."""
    try:
        from triptych_ops.cli import run
    except ModuleNotFoundError as error:
        message = missing_package_message(error, extra=extra_of(sys.argv[1:]))
        if message is None:
            raise
        sys.stderr.write(f"triptych: {message}\n")
        sys.exit(1)
    try:
        sys.exit(run())
    except KeyboardInterrupt:  # before or after a command could see to it
        sys.exit(130)
