"""`triptych data check`."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path

import click

from triptych_ops.cli.options import json_option, layout_option
from triptych_ops.cli.output import print_json, print_table, say, table
from triptych_ops.cli.training_progress import TrainingProgress
from triptych_ops.errors import RefusedError
from triptych_ops.training import PARTS, Split, open_dataset
from triptych_ops.training.data.structure import Layout

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("source", type=_PATH)
@click.option("--split", "split_file", type=_PATH, help="Whether this split.json divides exactly these images.")
@layout_option
@json_option
def check(source: Path, split_file: Path | None, layout: Layout, as_json: bool) -> None:
    """Read and decode every image of SOURCE; exit code 4 where something would stop a training."""
    split = Split.from_file(split_file) if split_file else None
    from triptych_ops.training.data.findings import class_figures, findings
    from triptych_ops.training.data.inspection import inspect

    dataset = open_dataset(source, layout)
    with TrainingProgress(epochs=0) as progress:
        progress.step(f"reading {len(dataset)} images")
        inspection = inspect(dataset, advance=progress.counted(len(dataset)))
    counts = Counter(sample.part for sample in dataset.samples)
    parts = {part: counts[part] for part in PARTS if counts[part]}
    figures, found = class_figures(inspection), list(findings(inspection))
    if as_json:
        print_json(
            {
                "source": str(source),
                "format": dataset.format,
                "layout": dataset.layout,
                "images": len(dataset),
                "parts": parts,
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
    if parts:
        shown = ", ".join(f"{count} {part}" for part, count in parts.items())
        say(f"  divided already, and its parts are the split: {shown} images (see --layout)")
    if split:
        split.require_fits(dataset, inspection.digests, source=str(split_file))
    if stops := [finding for finding in found if finding.stops]:
        raise RefusedError(f"{len(stops)} of {len(found)} findings would stop a training on {source}; mend them")
