"""Load while releases are changed: who answered when, what failed, and what was mixed.

traffic.py  what the samples of such a run tell, by release; pure
driving.py  sends until a command has ended
"""

from .driving import Command, Driven, drive, rollout_profile
from .traffic import SCHEMA_VERSION, ReleaseTraffic, RolloutTraffic, document, traffic

__all__ = [
    "SCHEMA_VERSION",
    "Command",
    "Driven",
    "ReleaseTraffic",
    "RolloutTraffic",
    "document",
    "drive",
    "rollout_profile",
    "traffic",
]
