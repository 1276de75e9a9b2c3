"""How much load comes when: tables of stages."""

from .profile import Arrivals, Loop, Profile, Spacing, Stage
from .table import DEFAULT_PER_S, DEFAULT_USERS, SMOKE_S, SUMMARIES, profile

__all__ = [
    "DEFAULT_PER_S",
    "DEFAULT_USERS",
    "SMOKE_S",
    "SUMMARIES",
    "Arrivals",
    "Loop",
    "Profile",
    "Spacing",
    "Stage",
    "profile",
]
