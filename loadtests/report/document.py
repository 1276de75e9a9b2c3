"""A report as JSON, for programs. Pure."""

from dataclasses import asdict
from typing import Any, Final

from .finding import Finding

SCHEMA_VERSION: Final = 1


def document(finding: Finding) -> dict[str, Any]:
    """All that is found; times in seconds, shares as ratios."""
    stored = finding.stored
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "loadtest",
        "state": finding.state,
        "outcome": stored.ending.outcome if stored.ending else None,
        "reason": finding.reason,
        "bottleneck": finding.bottleneck,
        "objectives": [
            {
                "objective": str(each.objective),
                "stage": each.stage,
                "figure": each.objective.name,
                "value": each.value,
                "bound": each.objective.bound,
                "held": each.held,
                "interval": asdict(each.interval) if each.interval else None,
            }
            for each in finding.verdicts
        ],
        "stages": [asdict(each) for each in finding.stages],
        "members": {
            "stage": finding.told_stage,
            "members": [{**asdict(each), "compute_s": each.compute_s} for each in finding.members],
        },
        "releases": {str(release): count for release, count in finding.releases.items()},
        "run": {name: value for name, value in stored.run.document().items() if name != "schema_version"},
    }
