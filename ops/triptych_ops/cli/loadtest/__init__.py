"""`triptych loadtest`: what a server carries, asked from outside."""

import click

from triptych_ops.cli.group import Commands, Entry

_ENTRIES = {
    "run": Entry(".loadtest.run:run_profile", "Run a load profile against a server, and record it."),
}


@click.group(cls=Commands, entries=_ENTRIES)
def loadtest() -> None:
    """Ask a server much, and say what it carries."""
