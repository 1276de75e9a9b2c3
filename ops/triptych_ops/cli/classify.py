"""`triptych classify`: photographs in, labels out."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from triptych import Classification, ImageError, image_formats
from triptych.calls.batches import DEFAULT_CONCURRENCY, DEFAULT_SIZE, MOST_CONCURRENCY
from triptych_ops.errors import UsageError

from . import failures
from .client_options import ServerOptions, client_options
from .folder.asking import Asking, standard_input
from .folder.rows import Outcome, RowFormat, csv_rows, json_rows
from .folder.rows_file import RowsFile
from .folder.run import found_in, run
from .folder.walk import is_folder
from .options import json_option
from .output import print_table, printable, say, table


@click.command(epilog=f"Formats: {image_formats.ALL}.")
@click.argument("images", nargs=-1, required=True, type=click.Path(), metavar="IMAGE...")
@click.option("--top-k", type=click.IntRange(min=1), help="Show at most so many classes.  [default: all that are sent]")
@client_options
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV: the best class of each, or the --top-k best.")
@click.option("-r", "--recursive", is_flag=True, help="Look into the folders in a folder, too.")
@click.option("--all", "every", is_flag=True, help="Try all files of a folder, whatever their suffixes.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the JSON or CSV into this file, row by row.")
@click.option(
    "--concurrency",
    type=click.IntRange(1, MOST_CONCURRENCY),
    default=DEFAULT_CONCURRENCY,
    show_default=True,
    help=f"Requests under way at once, of {DEFAULT_SIZE} images each.",
)
@click.option("--resume", is_flag=True, help="Go on with --out: skip the files that have a row in it.")
@click.pass_context
def classify(
    context: click.Context,
    images: tuple[str, ...],
    top_k: int | None,
    server: ServerOptions,
    as_json: bool,
    as_csv: bool,
    recursive: bool,
    every: bool,
    out: Path | None,
    concurrency: int,
    resume: bool,
) -> None:
    """Classify image files, or a folder of them.

    An image that fails does not touch the others; the exit code is then the first failure's.
    An image named - is read from standard input.

    With --json: one object a line and image, with `predictions`, or with `error`.
    With --csv: one row an image.

    Of a folder, what is named like an image is taken, in the order of the names. Stderr ends with a summary, and
    the exit code is 1 where an image failed or a folder could not be read. So it is with --out, too: whatever
    kills the command, the rows in the file stay, and --resume goes on behind them.
    """
    rows = _rows(as_json=as_json, as_csv=as_csv, top_k=top_k)
    if out and rows is None:
        raise UsageError("--out is for rows; add --json or --csv")
    if resume and out is None:
        raise UsageError("--resume goes on with a file; name it with --out")
    with server.client() as client:
        asking = Asking(client, top_k=top_k, concurrency=concurrency, standard_input=standard_input(images))
        if out is None and not any(map(is_folder, images)):
            context.exit(_classify_files(asking, images, rows))
        found = found_in(images, recursive=recursive, every=every, besides=out)
        if out is None or rows is None:
            context.exit(run(asking, found, _printer(rows)))
        with RowsFile(out, rows, resume=resume) as file:
            context.exit(run(asking, found, file.append, file=file))


def show(title: str, result: Classification) -> None:
    """Print the classes of one answer, best first, under its title."""
    answer = table("score", "class", "label", right=("score", "class"))
    for prediction in result.predictions:
        answer.add_row(f"{prediction.score:.4f}", str(prediction.class_id), printable(prediction.label))
    click.echo(printable(title))
    print_table(answer)
    click.echo()


def _rows(*, as_json: bool, as_csv: bool, top_k: int | None) -> RowFormat | None:
    if as_json and as_csv:
        raise UsageError("--json and --csv exclude each other; choose one")
    if as_json:
        return json_rows()
    return csv_rows(top_k or 1) if as_csv else None


def _printer(rows: RowFormat | None) -> Callable[[str, Outcome], None]:
    """What prints each outcome on stdout: as a row, or as a table, or in words on stderr."""

    def print_answer(path: str, outcome: Outcome) -> None:
        if isinstance(outcome, ImageError):
            say(_line(outcome))
        else:
            show(path, outcome)

    if rows is None:
        return print_answer
    shown = _shown if sys.stdout.isatty() else str
    text = rows.text
    click.echo(shown(rows.header), nl=False)
    return lambda path, outcome: click.echo(shown(text(path, outcome)), nl=False)


def _shown(row: str) -> str:
    """The row as a terminal gets it: labels come from the server, file names from anywhere."""
    return printable(row.removesuffix("\n")) + "\n" if row else ""


def _classify_files(asking: Asking, paths: Sequence[str], rows: RowFormat | None) -> int:
    failed: list[ImageError] = []
    write = _printer(rows)
    for path, outcome in asking.outcomes(paths):
        if isinstance(outcome, ImageError):
            failed.append(outcome)
            if rows is not None:
                say(_line(outcome))
        write(path, outcome)
    return failures.exit_code(failed[0]) if failed else failures.DONE


def _line(error: ImageError) -> str:
    return f"triptych: {failures.line(error)}"
