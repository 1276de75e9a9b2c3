"""Checks a Triton model repository, anybody's, without a server.

    for finding in lint(Path("models")):
        print(finding.place, finding.code, finding.message)

Every file is taken for an attack: no link is followed, no pipe opened, nothing loaded or run. What a code
means stands in `CODES`. Forbidden inside: releases, servers, torch.

Verdicts and cures are compared with the real Triton 2.51 (24.10), started with the flags of production, over several
hundred repositories (`tests/faults/lint`). The two agree but for what is listed there with its reason:

- Lint alone refuses what can bring code or reach out of the repository, what Triton has to guess, what no model reads,
  and what is served otherwise than it is written. `--allow CODE` waives these.
- Triton alone refuses code that fails when it is run, and what the machine lacks, such as a GPU. Lint runs nothing and
  knows no machine.

Not compared, since 2.51 of the tests has the backends `python` and a Python-based `onnxruntime` alone: the files and
settings of other backends, and whether shapes and types of a graph's outputs agree with the configuration, which
NVIDIA's native onnxruntime backend checks when it loads a model and lint checks as that backend's source does. Keys
that are newer than 2.51 are known to lint as far as the installed tritonclient knows them. Other versions of Triton may
differ in details.
"""

from .check import lint, require
from .findings import CODES, Finding, Rule, Severity

__all__ = ["CODES", "Finding", "Rule", "Severity", "lint", "require"]
