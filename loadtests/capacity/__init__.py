"""How much a server carries within its objectives.

search.py   which rate to try next, and when enough is known; pure
knee.py     where latency begins to rise faster than throughput; pure
trial.py    one rate, tried
trials.py   tries a rate against a server, and records it
"""

from .knee import knee
from .search import Capacity, Limits, search
from .trial import Trial
from .trials import Trials

__all__ = ["Capacity", "Limits", "Trial", "Trials", "knee", "search"]
