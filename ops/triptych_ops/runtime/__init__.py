"""A real Triton on this machine: find it, start it on loopback, know when it truly answers, heal it, stop it clean.

Forbidden inside: torch, the layout of a release. It serves any folder of models.
"""

from .installation import Installation, find_installation
from .machine import openvino_installed, usable_cores
from .ports import Ports
from .server import READY_TIMEOUT_S, Server
from .shared_memory import shortage
from .sizing import MOST, MOST_DELAY_US, Sizing
from .statistics import MemberTimes, member_times, server_version
from .supervision import USUAL_ANSWER_S, Part, RestartPolicy, Supervisor, Telling, Watch
from .tracing import Collector

__all__ = [
    "MOST",
    "MOST_DELAY_US",
    "READY_TIMEOUT_S",
    "USUAL_ANSWER_S",
    "Collector",
    "Installation",
    "MemberTimes",
    "Part",
    "Ports",
    "RestartPolicy",
    "Server",
    "Sizing",
    "Supervisor",
    "Telling",
    "Watch",
    "find_installation",
    "member_times",
    "openvino_installed",
    "server_version",
    "shortage",
    "usable_cores",
]
