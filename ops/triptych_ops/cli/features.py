"""`triptych features`: vectors of labelled images, in a table."""

from pathlib import Path

import click

from triptych_ops.errors import UsageError
from triptych_ops.training import Run, open_dataset

from .failures import missing_package
from .options import json_option
from .output import print_json, say
from .training_progress import TrainingProgress

_DESCRIPTORS = ("colour-moments", "hog", "hsv-histogram", "hu-moments", "lbp")
_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("source", metavar="DIR", type=_PATH)
@click.option(
    "--descriptor",
    "names",
    type=click.Choice(_DESCRIPTORS),
    multiple=True,
    help="May be repeated: one after the other.",
)
@click.option("--deep", "folder", metavar="RUN", type=_PATH, help="The embeddings of this run's network, too.")
@click.option("--out", type=_PATH, required=True, metavar="FILE", help=".csv or .npz")
@json_option
def features(source: Path, names: tuple[str, ...], folder: Path | None, out: Path, as_json: bool) -> None:
    """Describe every image of DIR by hand-made features, by a network's embedding, or by both."""
    if not names and folder is None:
        raise UsageError("nothing describes the images; give --descriptor, --deep or both")
    names = tuple(dict.fromkeys(names))
    dataset = open_dataset(source)
    try:
        from triptych_ops.training import features as described

        described.require_form(out)
        with TrainingProgress(epochs=0) as progress:
            progress.step("describing the images")
            advance = progress.counted(len(dataset) * (bool(names) + bool(folder)))
            table = described.tabulate(dataset, names, run=Run.load(folder) if folder else None, advance=advance)
            described.write_table(table, out)
    except ModuleNotFoundError as error:
        raise missing_package(error, extra="train") from error
    images, columns = table.vectors.shape
    if as_json:
        print_json({"out": str(out), "images": images, "columns": columns, "descriptors": [*names]})
    else:
        say(f"{images} images of {columns} features each are in {out}")
