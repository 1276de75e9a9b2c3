"""What this machine has for a server: cores, and what runs graphs on them."""

import importlib.util
import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup/cpu.max")


def usable_cores(*, quota: Path = _CGROUP) -> int:
    """Cores that this process may run on, at least 1: its affinity, and the CPU quota of its container.

    quota: the `cpu.max` of a version 2 control group, see
           https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
    """
    cores = len(os.sched_getaffinity(0))
    try:
        share, period = quota.read_text(encoding="ascii").split()
        if share != "max":
            cores = min(cores, int(share) // int(period))
    except (OSError, ValueError):  # no container, or one without a quota
        pass
    return max(cores, 1)


def openvino_installed() -> bool:
    """Whether the stubs of a server, which run this Python, can import OpenVINO."""
    return importlib.util.find_spec("openvino") is not None
