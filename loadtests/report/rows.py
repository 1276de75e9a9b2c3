"""A report's stages as CSV, a row each. Pure."""

import csv
import io
from dataclasses import asdict, fields
from typing import Final

from loadtests.records import StageSummary

from .finding import Finding

_LEFT_OUT: Final = "codes"
COLUMNS: Final = tuple(field.name for field in fields(StageSummary) if field.name != _LEFT_OUT)


def csv_text(finding: Finding) -> str:
    """The columns are the fields of `StageSummary`; then, a column each, how often each code came."""
    codes = sorted({code for stage in finding.stages for code in stage.codes})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*COLUMNS, *codes))
    for stage in finding.stages:
        values = asdict(stage)
        writer.writerow((*(values[name] for name in COLUMNS), *(stage.codes.get(code, 0) for code in codes)))
    return text.getvalue()
