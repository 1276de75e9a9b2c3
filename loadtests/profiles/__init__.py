"""How much load comes when: tables of stages."""

from .profile import Arrivals, Loop, Profile, Stage

__all__ = ["Arrivals", "Loop", "Profile", "Stage"]
