"""`triptych loadtest`: what a server carries, asked from outside."""

import click

from triptych_ops.cli.group import Commands, Entry

_ENTRIES = {
    "compare": Entry(".loadtest.compare:compare", "Compare two runs: what changed by more than chance."),
    "find-max": Entry(".loadtest.find_max:find_max", "Find how much a server carries within its objectives."),
    "report": Entry(".loadtest.report:report", "Make the report of a run's record."),
    "rollout": Entry(
        ".loadtest.rollout:rollout", "Load while a release is rolled out: what failed, and what was mixed."
    ),
    "run": Entry(".loadtest.run:run_profile", "Run a load profile against a server, record it, and report."),
}


@click.group(cls=Commands, entries=_ENTRIES)
def loadtest() -> None:
    """Ask a server much, and say what it carries."""
