"""`triptych release`: what the store holds, and how it gets there and away."""

import click

from .listing import list_releases
from .show import show_release


@click.group()
def release() -> None:
    """List, check, compare, sign and move releases."""


for _command in (list_releases, show_release):
    release.add_command(_command)
