"""The `triptych` command: reads options, calls the tooling and the SDK, prints.

Data goes to stdout, all else to stderr. Each command is a file; nothing outside imports this package
but the console script.
"""

from .main import run

__all__ = ["run"]
