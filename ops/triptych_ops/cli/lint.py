"""`triptych lint`: is this Triton model repository sound, without a server?"""

import dataclasses
from collections import Counter
from pathlib import Path

import click

from triptych_ops.lint import CODES, Finding
from triptych_ops.lint import lint as findings_of

from . import failures
from .options import json_option
from .output import print_json, printable, say


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--allow",
    multiple=True,
    type=click.Choice(list(CODES), case_sensitive=False),
    metavar="CODE",
    help="Waive findings with this code; may be repeated.",
)
@json_option
@click.pass_context
def lint(context: click.Context, path: Path, allow: tuple[str, ...], as_json: bool) -> None:
    """Check the Triton model repository PATH, of any origin, without a server.

    Configurations in every form, the tensor graphs of ensembles, ONNX files, labels, and all that would
    let a repository reach out of itself. Verdicts are compared with Triton 2.51, which refuses to start
    where lint finds an error, but for what lint refuses by policy. Exit code 4 when an error remains;
    warnings alone are 0.
    """
    _refuse_other_folders(path)
    findings = [finding for finding in findings_of(path) if finding.code not in allow]
    counts = Counter(finding.severity for finding in findings)
    if as_json:
        document = {"path": str(path), "findings": [dataclasses.asdict(finding) for finding in findings]}
        print_json({**document, "errors": counts["error"], "warnings": counts["warning"]})
    else:
        for finding in findings:
            show(finding)
        say(f"{printable(str(path))}: {_counted(counts['error'], 'error')}, {_counted(counts['warning'], 'warning')}")
    context.exit(failures.REFUSED if counts["error"] else failures.DONE)


def _refuse_other_folders(path: Path) -> None:
    """Name the model repository of a release or a store: as repositories these would get advice that harms them.

    Raises:
        click.UsageError: the path is a release or a store of releases.
    """
    if (path / "release.json").is_file() and (path / "repository").is_dir():
        raise click.UsageError(f"{path} is a release, not a model repository; run: triptych lint {path / 'repository'}")
    if (path / "releases").is_dir() and not any(path.glob("*/config.pbtxt")):
        example = path / "releases" / "N" / "repository"
        raise click.UsageError(f"{path} is a store of releases, not a model repository; run: triptych lint {example}")


def show(finding: Finding) -> None:
    """Print one finding and, indented below it, its cure."""
    line = f"{finding.place}: {finding.severity} {finding.code} {finding.message}"
    click.echo(f"{printable(line)}\n    {printable(finding.cure)}")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
