"""`triptych data convert`."""

from pathlib import Path

import click

from triptych_ops.cli.options import layout_option
from triptych_ops.cli.output import say
from triptych_ops.training import open_dataset
from triptych_ops.training.data.structure import Layout

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("source", type=_PATH)
@click.argument("target", type=_PATH)
@layout_option
def convert(source: Path, target: Path, layout: Layout) -> None:
    """Write the labelled images of SOURCE to TARGET: .h5, .tfrecord, .tar, or a folder where it has no suffix.

    Names, classes and bytes of the images stay what they are.
    """
    from triptych_ops.training.data.conversion import convert as write

    dataset = open_dataset(source, layout)
    write(dataset, target)
    say(f"{len(dataset)} images of {len(dataset.classes)} classes in {target}")
