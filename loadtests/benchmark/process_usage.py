"""CPU time and memory of processes, summed under names that tell what they do."""

from collections.abc import Iterable, Mapping
from contextlib import suppress

import psutil

_STUB = "triton_python_backend_stub"
_INSTANCE_PLACE = -2  # of the instance's name in a stub's command line


def cpu_seconds(processes: Iterable[psutil.Process]) -> dict[str, float]:
    """Name -> CPU seconds since the start, in user and system mode."""
    spent: dict[str, float] = {}
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            times, name = process.cpu_times(), _name(process)
            spent[name] = spent.get(name, 0.0) + times.user + times.system
    return spent


def since(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What was spent between two readings."""
    return {name: max(0.0, spent - before.get(name, 0.0)) for name, spent in after.items()}


def memory_bytes(processes: Iterable[psutil.Process]) -> int:
    """Proportional set size: memory shared among processes counts once."""
    total = 0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().pss
    return total


def _name(process: psutil.Process) -> str:
    line = process.cmdline()
    if line and line[0].endswith(f"/{_STUB}") and len(line) >= -_INSTANCE_PLACE:
        return line[_INSTANCE_PLACE].rsplit("_", 2)[0]  # classifier_0_1 -> classifier
    return process.name()
