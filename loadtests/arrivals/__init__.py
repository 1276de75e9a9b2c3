"""When requests of an open loop are due, and the clock that wakes for them."""

from .times import intended_times_s

__all__ = ["intended_times_s"]
