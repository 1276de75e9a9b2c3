"""A real Triton on this machine: find it, start it on loopback, know when it truly answers, stop it clean.

Forbidden inside: torch, the layout of a release. It serves any folder of models.
"""

from .installation import Installation, find_installation
from .ports import Ports
from .server import Server
from .statistics import MemberTimes, member_times

__all__ = ["Installation", "MemberTimes", "Ports", "Server", "find_installation", "member_times"]
