"""`triptych data …`: what is known of labelled images before anybody trains on them."""

import click

from .group import Commands, Entry

_ENTRIES = {
    "check": Entry(".data_check:check", "Find what is damaged, mislabelled, doubled or rare."),
    "convert": Entry(".data_convert:convert", "Write images as a folder, HDF5, TFRecord or WebDataset."),
}


@click.group(cls=Commands, entries=_ENTRIES)
def data() -> None:
    """Check and convert labelled images: a folder with a folder for each class, HDF5, TFRecord, WebDataset."""
