"""`triptych classify`: photographs in, labels out."""

import dataclasses

import click

from triptych import Classification, Client, ImageError

from . import failures
from .options import json_option, timeout_option, url_option
from .output import print_json, print_table, printable, say, table


@click.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(), metavar="IMAGE...")
@click.option("--top-k", type=click.IntRange(min=1), help="Show at most so many classes.  [default: all that are sent]")
@url_option
@timeout_option
@json_option
@click.pass_context
def classify(
    context: click.Context, images: tuple[str, ...], top_k: int | None, url: str, timeout_s: float, as_json: bool
) -> None:
    """Classify JPEG, PNG or WebP files.

    An image that fails does not touch the others; the exit code is then the first failure's.
    With --json: one object a line and image, with `predictions`, or with `error`.
    """
    failed: list[ImageError] = []
    with Client(url, timeout_s=timeout_s) as client:
        for path, result in zip(images, client.classify_many(images, top_k=top_k), strict=True):
            if isinstance(result, ImageError):
                failed.append(result)
                say(f"triptych: {failures.line(result)}")
            if as_json:
                print_json(_record(path, result))
            elif isinstance(result, Classification):
                show(path, result)
    context.exit(failures.exit_code(failed[0]) if failed else failures.DONE)


def show(title: str, result: Classification) -> None:
    """Print the classes of one answer, best first, under its title."""
    answer = table("score", "class", "label", right=("score", "class"))
    for prediction in result.predictions:
        answer.add_row(f"{prediction.score:.4f}", str(prediction.class_id), printable(prediction.label))
    click.echo(printable(title))
    print_table(answer)
    click.echo()


def _record(path: str, result: Classification | ImageError) -> dict[str, object]:
    if isinstance(result, ImageError):
        return {"image": path, "predictions": [], "error": {"code": result.code, "message": result.message}}
    return {
        "image": path,
        "predictions": [dataclasses.asdict(prediction) for prediction in result.predictions],
        "error": None,
        "release": result.release,
        "request_id": result.request_id,
        "elapsed_s": round(result.elapsed_s, 6),
    }
