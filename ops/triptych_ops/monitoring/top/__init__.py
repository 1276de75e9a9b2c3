"""What servers and edges do now: what `triptych top` shows.

counters.py    counters at a moment, and what they grew by since another; pure
sources.py     where they are read: servers' own pages, or a Prometheus
histogram.py   quantiles out of buckets; pure
overview.py    growth -> rows; pure
"""

from .counters import Counters, Growth, growth
from .overview import Edge, Group, Overview, Served, overview
from .sources import Pages, Source, Stored

__all__ = [
    "Counters",
    "Edge",
    "Group",
    "Growth",
    "Overview",
    "Pages",
    "Served",
    "Source",
    "Stored",
    "growth",
    "overview",
]
