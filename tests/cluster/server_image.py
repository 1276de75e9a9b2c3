"""The image whose containers serve releases: Debian's Python, what `triptych[serve]` needs, this checkout, a Triton.

The same that ops/containers/test/Containerfile describes, made without a builder of images.
"""

import shlex
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from cluster.commands import run
from cluster.images import write_image
from cluster.python_image import HOME, Layer, configuration, python_layers

SERVER = "triptych.test/triptych:local"

_EXTRAS = ("serve", "edge", "rollout", "s3", "sign")
_LAYING_OUT = Path(__file__).parents[2] / "ops" / "containers" / "test" / "lay_out.py"
_PATH = "/opt/tritonserver/bin:/opt/triptych/bin:/usr/bin:/bin"


def write_server_image(archive: Path, cache: Path, *, say: Callable[[str], None]) -> None:
    """Write the image `triptych.test/triptych:local`; only this checkout's layers are made each time.

    Raises:
        ClusterError: a package cannot be had
    """
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        layers = python_layers(_EXTRAS, cache, Path(scratch), say=say)
        triton = Layer(Path(scratch) / "triton")
        _lay_out_triton(triton, layers)
        triton.pack()
        archives = [layer.archive for layer in (*layers, triton)]
        write_image(archive, SERVER, archives, configuration("triptych", path=_PATH))


def _lay_out_triton(triton: Layer, below: Sequence[Layer]) -> None:
    """Run the Containerfile's program inside the image of the layers `below`, lowest first; it makes `triton`."""
    work, merged = (triton.folder / name for name in ("work", "merged"))
    for folder in (triton.root, work, merged):
        folder.mkdir(parents=True)
    roots = [str(layer.root) for layer in reversed(below)]
    program = below[-1].root / _LAYING_OUT.name
    shutil.copy(_LAYING_OUT, program)
    options = f"lowerdir={':'.join(roots)},upperdir={triton.root},workdir={work}"
    commands = [
        ["mount", "-t", "overlay", "overlay", "-o", options, str(merged)],
        ["mount", "--bind", "/dev", str(merged / "dev")],
        ["chroot", str(merged), f"/{HOME}/bin/python", "-B", f"/{_LAYING_OUT.name}", "/opt/tritonserver"],
    ]
    run(["unshare", "--mount", "sh", "-ec", "\n".join(map(shlex.join, commands))], cwd=triton.folder)
    program.unlink()
