"""The cluster's own part of each cgroup hierarchy (version 1): all its processes are in it, and in nothing else."""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from cluster.errors import ClusterError
from cluster.layout import CGROUP

_ROOT = Path("/sys/fs/cgroup")
_EMPTY_S = 60
_INHERITED = ("cpuset.cpus", "cpuset.mems")


def hierarchies(mounts: str) -> dict[str, Path]:
    """Where each hierarchy of version 1 is mounted, by its name in /proc/self/cgroup; from /proc/mounts."""
    found = {}
    for line in mounts.splitlines():
        _, folder, kind, options, *_ = line.split()
        if kind == "cgroup":
            named = [option for option in options.split(",") if option.startswith("name=")]
            found[named[0] if named else Path(folder).name] = Path(folder)
    return found


def own_paths(membership: str) -> dict[str, str]:
    """The cgroup of a process in each hierarchy; from /proc/PID/cgroup."""
    lines = [line.split(":", 2) for line in membership.splitlines()]
    return {controller: path for _, controllers, path in lines for controller in controllers.split(",") if controller}


def make_cgroups() -> list[Path]:
    """Make the cluster's cgroups, each below the one that this process is in: its limits go on holding.

    Raises:
        ClusterError: the machine has no hierarchies of version 1
    """
    mounted = hierarchies(Path("/proc/mounts").read_text(encoding="utf-8"))
    if "memory" not in mounted:
        raise ClusterError("this machine has no cgroups of version 1: set KUBECONFIG, or install kind")
    own = own_paths(Path("/proc/self/cgroup").read_text(encoding="utf-8"))
    made = []
    for name, folder in mounted.items():
        parent = folder / own.get(name, "/").lstrip("/")
        cgroup = parent / CGROUP
        cgroup.mkdir(exist_ok=True)
        for setting in _INHERITED:
            if (parent / setting).exists():
                (cgroup / setting).write_text((parent / setting).read_text())
        made.append(cgroup)
    return made


def find_cgroups() -> list[Path]:
    """The cluster's cgroups that exist, wherever they were made."""
    return [
        folder for root in _ROOT.glob("*/") for folder in (root / CGROUP, *root.glob(f"**/{CGROUP}")) if folder.is_dir()
    ]


def processes(cgroups: Iterable[Path]) -> list[int]:
    """The processes in these cgroups and all below."""
    pids: set[int] = set()
    for cgroup in cgroups:
        for file in (cgroup / "cgroup.procs", *cgroup.glob("**/cgroup.procs")):
            try:
                pids.update(map(int, file.read_text().split()))
            except OSError:  # gone since it was listed
                continue
    return sorted(pids - {0})


def remove(cgroups: Iterable[Path]) -> None:
    """Remove empty cgroups with all below them; processes that have just been killed may still be leaving.

    Raises:
        ClusterError: one of them stays in use
    """
    deadline = time.monotonic() + _EMPTY_S
    for cgroup in set(cgroups):
        for folder in (*sorted((path for path in cgroup.glob("**/") if path != cgroup), reverse=True), cgroup):
            _remove(folder, deadline)


def _remove(folder: Path, deadline: float) -> None:
    while folder.exists():
        try:
            folder.rmdir()
        except OSError as error:
            if time.monotonic() > deadline:
                raise ClusterError(f"{folder} stays in use: {error}") from error
            time.sleep(0.05)


def usage(cgroups: Iterable[Path]) -> Mapping[str, int]:
    """Figures of the memory cgroup, for `status`."""
    folders = [folder for folder in cgroups if (folder / "memory.usage_in_bytes").exists()]
    return {"memory_bytes": sum(int((folder / "memory.usage_in_bytes").read_text()) for folder in folders)}
