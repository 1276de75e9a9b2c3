"""The load generator's image: Debian's Python, what `triptych[loadtest]` needs, this checkout and its locustfile.

The same that ops/containers/loadtest/Containerfile describes, made without a builder of images.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from cluster.images import write_image
from cluster.python_image import Layer, configuration, python_layers

LOADTEST = "triptych.test/loadtest:local"

_EXTRAS = ("loadtest",)
_LOCUSTFILE = Path(__file__).parents[2] / "loadtests" / "locustfile.py"
_PLACE = Path("opt/loadtests")


def write_loadtest_image(archive: Path, cache: Path, *, say: Callable[[str], None]) -> None:
    """Write the image `triptych.test/loadtest:local`; only this checkout's layers are made each time.

    Raises:
        ClusterError: a package cannot be had
    """
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        layers = python_layers(_EXTRAS, cache, Path(scratch), say=say)
        locustfile = Layer(Path(scratch) / "locustfile")
        (locustfile.root / _PLACE).mkdir(parents=True)
        shutil.copy(_LOCUSTFILE, locustfile.root / _PLACE)
        locustfile.pack()
        archives = [layer.archive for layer in (*layers, locustfile)]
        write_image(archive, LOADTEST, archives, {**configuration("triptych"), "WorkingDir": f"/{_PLACE}"})
