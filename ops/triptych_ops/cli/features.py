"""`triptych features`: vectors of labelled images, in a table."""

from pathlib import Path

import click

from triptych_ops import export
from triptych_ops.errors import MissingError, UsageError
from triptych_ops.training import Run, open_dataset
from triptych_ops.training.data.structure import Layout
from triptych_ops.training.features import require_form

from .options import json_option, layout_option
from .output import print_json, say
from .training_progress import TrainingProgress

DESCRIPTORS = ("colour-moments", "hog", "hsv-histogram", "hu-moments", "lbp")
_OF_SEQUENCES = "lbp-top"
_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("source", metavar="DIR", type=_PATH)
@click.option(
    "--descriptor",
    "names",
    type=click.Choice((*DESCRIPTORS, _OF_SEQUENCES)),
    multiple=True,
    help="May be repeated: one after the other.",
)
@click.option("--deep", "folder", metavar="RUN", type=_PATH, help="The embeddings of this run's network, too.")
@click.option("--out", type=_PATH, required=True, metavar="FILE", help=".csv or .npz")
@layout_option
@json_option
def features(
    source: Path, names: tuple[str, ...], folder: Path | None, out: Path, layout: Layout, as_json: bool
) -> None:
    """Describe every image of DIR by hand-made features, by a network's embedding, or by both.

    With lbp-top, alone, each folder within a class is a sequence of frames, and has one row.
    """
    if not names and folder is None:
        raise UsageError("nothing describes the images; give --descriptor, --deep or both")
    names = tuple(dict.fromkeys(names))
    if _OF_SEQUENCES in names and (len(names) > 1 or folder):
        raise UsageError(f"{_OF_SEQUENCES} describes sequences, all else images; ask for it alone")
    require_form(out)
    if not out.absolute().parent.is_dir():
        raise MissingError(f"there is no folder {out.parent}; make it first")
    run = Run.load(folder) if folder else None
    if run:
        export.weights_format(run.weights_file)
    dataset = open_dataset(source, layout)
    from triptych_ops.training import features as described

    with TrainingProgress(epochs=0) as progress:
        progress.step("describing the images")
        advance = progress.counted(len(dataset) * (bool(names) + bool(folder)))
        if names == (_OF_SEQUENCES,):
            table = described.tabulate_sequences(dataset, advance=advance)
        else:
            table = described.tabulate(dataset, names, run=run, advance=advance)
        described.write_table(table, out)
    images, columns = table.vectors.shape
    if as_json:
        print_json({"out": str(out), "images": images, "columns": columns, "descriptors": [*names]})
    else:
        rows = "sequences" if names == (_OF_SEQUENCES,) else "images"
        say(f"{images} {rows} of {columns} features each are in {out}")
