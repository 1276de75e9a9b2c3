"""How much a server carries within its objectives.

carried.py  what has to hold; pure
search.py   which rate to try next, and when enough is known; pure
knee.py     where latency begins to rise faster than throughput; pure
trial.py    one rate, tried
trials.py   tries a rate against a server, and records it
"""

from .carried import DEFAULT_P99, carried
from .knee import knee
from .search import Capacity, Limits, search
from .trial import Trial
from .trials import Trials

__all__ = ["DEFAULT_P99", "Capacity", "Limits", "Trial", "Trials", "carried", "knee", "search"]
