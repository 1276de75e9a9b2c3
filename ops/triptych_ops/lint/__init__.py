"""Checks a Triton model repository, anybody's, without a server.

    for finding in lint(Path("models")):
        print(finding.place, finding.code, finding.message)

Every file is taken for an attack: no link is followed, no pipe opened, nothing loaded or run. What a code
means stands in `CODES`. Forbidden inside: releases, servers, torch.
"""

from .check import lint, require
from .findings import CODES, Finding, Rule, Severity

__all__ = ["CODES", "Finding", "Rule", "Severity", "lint", "require"]
