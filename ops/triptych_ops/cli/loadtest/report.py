"""`triptych loadtest report`."""

from collections.abc import Sequence
from pathlib import Path

import click

from loadtests.objectives import Objective
from loadtests.report import found_in, write
from triptych_ops.cli.options import json_option

from .concluding import conclude
from .objective_options import objective_options


@click.command("report")
@click.argument("folder", type=click.Path(path_type=Path))
@objective_options
@json_option
@click.pass_context
def report(context: click.Context, folder: Path, objectives: Sequence[Objective] | None, as_json: bool) -> None:
    """Make the report of a run's record, of Locust's as well: report.html, report.json, stages.csv, junit.xml.

    Exit 4 where an objective was not held, 6 where the run says nothing of the server.
    """
    finding = found_in(folder, objectives=objectives)
    write(finding, folder)
    context.exit(conclude(finding, folder, as_json=as_json))
