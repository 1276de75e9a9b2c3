"""Runs `forking.py` in a process of its own, whose children use a client that it made."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

_PROGRAM = Path(__file__).with_name("forking.py")


class Outcome(NamedTuple):
    """How one call ended: `right`, `wrong`, `refused`, or the name of its error."""

    result: str
    seconds: float
    words: str


def forked(**settings: Any) -> tuple[list[Outcome], Mapping[str, int]]:
    """The outcomes of all children's calls, and how often the parent's own calls ended how; settings as there."""
    done = subprocess.run(
        [sys.executable, str(_PROGRAM), json.dumps(settings)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": str(_PROGRAM.parent)},
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    document = json.loads(done.stdout)
    return [Outcome(*each) for each in document["children"]], document["parent"]


def told(outcomes: Sequence[Outcome]) -> str:
    """The outcomes in words."""
    found = Counter(each.result for each in outcomes)
    refused_s = max((each.seconds for each in outcomes if each.result == "refused"), default=0.0)
    refusals = f"{found['refused']} refused within {refused_s:.3f} s, " if found["refused"] else ""
    others = "".join(f", {count} {name}" for name, count in found.items() if name not in {"right", "wrong", "refused"})
    return f"{found['right']} of {len(outcomes)} right, {refusals}{found['wrong']} answers of others{others}"
