"""`triptych data …`: what is known of labelled images before anybody trains on them."""

import click

from triptych_ops.cli.group import Commands, Entry

_ENTRIES = {
    "check": Entry(".data.check:check", "Find what is damaged, mislabelled, doubled or rare."),
    "convert": Entry(".data.convert:convert", "Write images as a folder, HDF5, TFRecord or WebDataset."),
}


@click.group(cls=Commands, entries=_ENTRIES)
def data() -> None:
    """Check and convert labelled images: a folder with a folder for each class, HDF5, TFRecord, WebDataset."""
