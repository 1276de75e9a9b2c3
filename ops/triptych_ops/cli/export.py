"""`triptych export`: a run's network for others than Triton."""

from dataclasses import asdict
from pathlib import Path

import click

from triptych_ops.errors import MissingError, UsageError
from triptych_ops.training import Run

from .options import json_option
from .output import Steps, print_json, say

_PATH = click.Path(path_type=Path)
_FORMS = (".onnx", ".tflite")


@click.command()
@click.argument("folder", metavar="RUN", type=_PATH)
@click.option("--out", type=_PATH, required=True, metavar="FILE", help=".onnx or .tflite; not one that exists.")
@click.option(
    "--converter",
    type=_PATH,
    metavar="PYTHON",
    help="For .tflite: the Python of an environment with litert-torch, which needs another torch than ours.",
)
@json_option
def export(folder: Path, out: Path, converter: Path | None, as_json: bool) -> None:
    """Write the network of RUN as ONNX or LiteRT, once it answers as torch on every test image.

    It takes resized and cropped pixels (N, S, S, 3) uint8 and gives logits; normalisation is inside. For Triton, with
    all around it: triptych build --run.
    """
    if out.suffix not in _FORMS:
        raise UsageError(f"{out} is neither {' nor '.join(_FORMS)}; name a file of one of these forms")
    if out.exists():
        raise UsageError(f"{out} exists; name another file, or remove it")
    if not out.absolute().parent.is_dir():
        raise MissingError(f"there is no folder {out.parent}; make it first")
    if converter and not converter.exists():
        raise MissingError(f"there is no Python at {converter}; name one that has litert-torch")
    if out.suffix == ".tflite" and converter is None:
        raise UsageError("a .tflite needs --converter PYTHON, of an environment with litert-torch")
    run = Run.load(folder)
    run.require_done()
    from triptych_ops.training import targets

    with Steps() as step:
        step(f"writing {out.name}, and comparing its answers with torch")
        found = (
            targets.write_litert(run, out, python=converter)
            if converter and out.suffix == ".tflite"
            else targets.write_onnx(run, out)
        )
    size = out.stat().st_size
    if as_json:
        print_json({"out": str(out), "bytes": size, **asdict(found)})
        return
    say(
        f"{out}, {size:,} bytes: the same best class as torch on {found.same_top1} of {found.images} test images, "
        f"probabilities within {found.score_max_difference:.1g}"
    )
