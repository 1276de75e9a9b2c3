"""What a load test leaves behind: a folder that says what was run, each request, and how it ended.

    DIR/run.json          what was run, written before the first request
        samples-0.csv     each request of generator process 0, a line each below the columns' names; -1.csv of process 1
        pulses-0.csv      how that process itself was doing, a line a second
        ending.json       how it ended; missing where the run was killed

The files of lines are only ever appended to, so what was written before a kill stays, less a last half line.
"""

from loadtests.errors import RecordError

from .command import masked
from .ending import Ending, Outcome
from .folder import RecordWriter, Run, StoredRun, read, write_ending, write_run
from .pulse import Pulse
from .sample import DROPPED, GOOD, MIXED, NOT_REFUSED, OK, REFUSED, Sample
from .summary import StageSummary, summaries

__all__ = [
    "DROPPED",
    "GOOD",
    "MIXED",
    "NOT_REFUSED",
    "OK",
    "REFUSED",
    "Ending",
    "Outcome",
    "Pulse",
    "RecordError",
    "RecordWriter",
    "Run",
    "Sample",
    "StageSummary",
    "StoredRun",
    "masked",
    "read",
    "summaries",
    "write_ending",
    "write_run",
]
