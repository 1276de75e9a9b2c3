"""What a run says: tables for people, one JSON object for programs."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table as RichTable

from . import figures
from .bars import Verdict
from .samples import Results, Sample
from .tables import Table

SCHEMA_VERSION = 1
_FILE_WIDTH = 200


def print_tables(made: Iterable[Table]) -> None:
    """On stdout: never wider than a terminal, never cut where it is a file."""
    console = Console(markup=False, emoji=False, highlight=False, width=None if sys.stdout.isatty() else _FILE_WIDTH)
    for table in made:
        shown = RichTable(box=SIMPLE, show_edge=False, pad_edge=False)
        for place, column in enumerate(table.columns):
            shown.add_column(column, justify="left" if place in table.text else "right")
        for row in table.rows:
            shown.add_row(*row)
        with console.capture() as captured:
            console.print(shown)
        lines = [table.title, *(line.rstrip() for line in captured.get().splitlines())]
        sys.stdout.write("\n".join(lines) + "\n\n")


def document(results: Results, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The JSON object; latencies as percentiles."""
    return {
        "schema_version": SCHEMA_VERSION,
        "cores": results.cores,
        "rounds": results.rounds,
        "seconds": results.seconds,
        "starts_s": dict(results.starts_s),
        "samples": [_sample(sample) for sample in results.samples],
        "bars": [
            {
                "what": verdict.bar.what,
                "figure": verdict.figure,
                "sense": verdict.bar.sense.value,
                "bound": verdict.bar.bound,
                "unit": verdict.bar.unit,
                "passed": verdict.passed,
            }
            for verdict in verdicts
        ],
    }


def _sample(sample: Sample) -> dict[str, Any]:
    load = sample.load
    return {
        "round": sample.round,
        "scenario": sample.scenario,
        "contestant": sample.contestant,
        "per_s": load.per_s,
        "p50_s": figures.percentile(load.latencies_s, 0.5),
        "p99_s": figures.percentile(load.latencies_s, 0.99),
        "errors": dict(load.errors),
        "generator_s_per_request": load.generator_s_per_request,
        "cpu_s_per_image": dict(sample.cpu_s_per_image),
        "memory_bytes": sample.memory_bytes,
        "others_cpu_share": sample.others_cpu_share,
        "members": {member: asdict(times) for member, times in sample.members.items()},
    }
