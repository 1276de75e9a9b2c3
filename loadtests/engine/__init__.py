"""Runs a profile against a target, in one generator process or several, and records what happens.

running.py      starts the processes, sees to them, says how it ended
process.py      one process: `python -m loadtests.engine.process`
generator.py    its event loop: stage after stage
sending.py      requests under way, and their samples
vitals.py       how the process itself is doing
soundness.py    was the generator the bottleneck? pure
"""

from .running import Plan, Progress, run

__all__ = ["Plan", "Progress", "run"]
