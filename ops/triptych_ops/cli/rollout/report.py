"""`triptych rollout report`."""

from pathlib import Path

import click

from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import json_text, print_json, say
from triptych_ops.rollout.state import Rollout

from .access import Place, place_options
from .history import kept


@click.command("report")
@click.argument("number", type=int, required=False)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of both files.  [default: rollout-NUMBER, here]",
)
@place_options
@json_option
def report(number: int | None, out: Path | None, place: Place, as_json: bool) -> None:
    """Write the story of rollout NUMBER, or of the last one: report.html for people, report.json for programs.

    Its share of the requests over time, what each metric said at each step, every decision.
    """
    from triptych_ops.rollout.report import page, story_of

    rollout = kept(place.record(), number)
    folder = out or Path(f"rollout-{rollout.number}")
    folder.mkdir(parents=True, exist_ok=True)
    document = _document(rollout)
    (folder / "report.html").write_text(page(story_of(rollout)), encoding="utf-8")
    (folder / "report.json").write_text(json_text(document, indent=1) + "\n", encoding="utf-8")
    if as_json:
        print_json({**document, "folder": str(folder)})
    say(f"rollout {rollout.number} of {rollout.release}: {folder / 'report.html'}")


def _document(rollout: Rollout) -> dict[str, object]:
    return {"schema_version": 1, "kind": "rollout", **rollout.model_dump(mode="json")}
