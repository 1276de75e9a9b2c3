"""The command line of the benchmark."""

import json
import signal
import sys
from pathlib import Path
from types import FrameType

import click
from rich.console import Console

from .bars import judge
from .releases import CommandError, measured_releases
from .report import document, print_tables
from .run import run
from .scenarios import CONTESTANTS, SCENARIOS
from .server_process import ServerFailedError
from .tables import tables

_ROUNDS, _SECONDS = 4, 2.0
_QUICK_ROUNDS = 2


@click.command()
@click.option(
    "--store",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    show_default=True,
    help="The folder that holds releases/; what is missing is built.",
)
@click.option(
    "--contestant", "names", type=click.Choice(CONTESTANTS), multiple=True, help="Only these; all when absent."
)
@click.option("--rounds", type=click.IntRange(1), help=f"{_ROUNDS} when absent, {_QUICK_ROUNDS} of a quick run.")
@click.option("--seconds", type=click.FloatRange(0.1), default=_SECONDS, show_default=True, help="Of a turn.")
@click.option("--quick", is_flag=True, help="Fewer rounds and scenarios: to look, not to judge.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def main(store: Path, names: tuple[str, ...], rounds: int | None, seconds: float, quick: bool, as_json: bool) -> None:
    """Measure Triptych against the same pipeline in process, and against peers, in turns on this machine.

    Ends with exit code 1 where a bar is missed.
    """
    signal.signal(signal.SIGTERM, _leave)
    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    try:
        releases = measured_releases(store.resolve())
        with console.status("starting") as status:
            results = run(
                releases,
                names or CONTESTANTS,
                [scenario for scenario in SCENARIOS if scenario.quick or not quick],
                rounds=rounds or (_QUICK_ROUNDS if quick else _ROUNDS),
                seconds=seconds,
                tell=status.update if console.is_terminal else console.print,
            )
    except (CommandError, ServerFailedError) as error:
        raise click.ClickException(str(error)) from error
    verdicts = judge(results)
    if as_json:
        click.echo(json.dumps(document(results, verdicts), allow_nan=False))
    else:
        print_tables(tables(results, verdicts))
    sys.exit(1 if any(verdict.passed is False for verdict in verdicts) else 0)


def _leave(_signal: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one would break off the stopping
    sys.exit("ended by SIGTERM")  # unwinding stops the servers


if __name__ == "__main__":
    main()
