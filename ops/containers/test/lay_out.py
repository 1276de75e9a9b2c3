"""Lays out the tritonserver of the nvidia-pytriton wheel where NVIDIA's image has its own.

    python lay_out.py /opt/tritonserver

FOLDER/bin/tritonserver then starts with any flags of Triton's, and finds its backends, libraries and Python by itself.
"""

import shlex
import sys
from pathlib import Path

from triptych_ops.runtime import Installation, find_installation


def lay_out(installation: Installation, folder: Path) -> Path:
    """Fill the new `folder`; the program in it that starts Triton."""
    folder.mkdir(parents=True)
    installation.lay_out_backends(folder / "backends")
    program = folder / "bin" / "tritonserver"
    program.parent.mkdir()
    wanted = installation.environment({})
    libraries, path = shlex.quote(wanted["LD_LIBRARY_PATH"]), shlex.quote(str(Path(sys.prefix) / "bin"))
    command = shlex.join([str(installation.binary), f"--backend-directory={folder / 'backends'}"])
    program.write_text(
        f'#!/bin/sh\nexport LD_LIBRARY_PATH={libraries} PATH={path}:"$PATH"\nexec {command} "$@"\n', encoding="utf-8"
    )
    program.chmod(0o755)
    return program


if __name__ == "__main__":
    # An image may be laid out below /opt/tritonserver itself, so nothing but the wheel is looked for.
    lay_out(find_installation({}), Path(sys.argv[1]))
