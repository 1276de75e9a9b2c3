"""`triptych data check`."""

from dataclasses import asdict
from pathlib import Path

import click

from triptych_ops.cli.failures import missing_package
from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import print_json, print_table, table
from triptych_ops.cli.training_progress import TrainingProgress
from triptych_ops.errors import RefusedError
from triptych_ops.training import Split, open_dataset

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("source", type=_PATH)
@click.option("--split", "split_file", type=_PATH, help="Whether this split.json divides exactly these images.")
@json_option
def check(source: Path, split_file: Path | None, as_json: bool) -> None:
    """Read and decode every image of SOURCE; exit code 4 where something would stop a training."""
    split = Split.from_file(split_file) if split_file else None
    try:
        from triptych_ops.training.data.findings import class_figures, findings
        from triptych_ops.training.data.inspection import inspect

        dataset = open_dataset(source)
        with TrainingProgress(epochs=0) as progress:
            progress.step(f"reading {len(dataset)} images")
            inspection = inspect(dataset, advance=progress.counted(len(dataset)))
    except ModuleNotFoundError as error:
        raise missing_package(error, extra="train") from error
    figures, found = class_figures(inspection), list(findings(inspection))
    if as_json:
        print_json(
            {
                "source": str(source),
                "format": dataset.format,
                "images": len(dataset),
                "classes": [asdict(each) for each in figures],
                "findings": [asdict(finding) for finding in found],
            }
        )
    else:
        sheet = table(
            "class",
            "images",
            "different",
            "least side",
            "median side",
            right=("images", "different", "least side", "median side"),
        )
        for each in figures:
            sheet.add_row(
                each.label,
                str(each.images),
                str(each.different),
                str(each.shorter_side_min),
                str(each.shorter_side_median),
            )
        print_table(sheet)
        if found:
            list_of_findings = table("", "finding", "where", "")
            for finding in sorted(found, key=lambda finding: not finding.stops):
                list_of_findings.add_row(
                    "stops" if finding.stops else "note", finding.code, finding.name, finding.words
                )
            click.echo()
            print_table(list_of_findings)
    if split:
        split.require_fits(dataset, inspection.digests, source=str(split_file))
    if stops := [finding for finding in found if finding.stops]:
        raise RefusedError(f"{len(stops)} of {len(found)} findings would stop a training on {source}; mend them")
