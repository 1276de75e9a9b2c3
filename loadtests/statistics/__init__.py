"""What a server says of itself: where requests spend their time in it, by member of the ensemble.

watching.py    readings during a run, and what they say of each stage
triton.py      asks Triton, over gRPC or HTTP
members.py     the counters of a member, and what they say of a time between; pure
bottleneck.py  what limits a server, in a sentence; pure
"""

from .bottleneck import Circumstances, bottleneck
from .members import Counters, Member, between
from .triton import statistics_of
from .watching import Reading, Watch, by_stage, readings

__all__ = [
    "Circumstances",
    "Counters",
    "Member",
    "Reading",
    "Watch",
    "between",
    "bottleneck",
    "by_stage",
    "readings",
    "statistics_of",
]
