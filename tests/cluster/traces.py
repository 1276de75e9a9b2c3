"""What a cluster could leave behind on this machine, to compare before and after."""

import os
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

# Where container runtimes, the kubelet, network plugins and log writers put files unless told otherwise.
_FOLDERS = ("/etc", "/etc/cni", "/opt", "/opt/cni", "/run", "/run/netns", "/usr/libexec", "/usr/libexec/kubernetes")
_WRITTEN = (*_FOLDERS, "/var/lib", "/var/lib/cni", "/var/lib/kubelet", "/var/log", "/var/run")
_SETTINGS = (
    *("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys"),
    *("kernel/keys/root_maxbytes", "net/ipv4/ip_forward", "net/netfilter/nf_conntrack_max"),
)


@dataclass(frozen=True, slots=True)
class Traces:
    """One set a kind of thing; `rules` is what nftables holds, `processes` those in namespaces of their own."""

    processes: frozenset[str]
    mounts: frozenset[str]
    cgroups: frozenset[str]
    links: frozenset[str]
    routes: frozenset[str]
    rules: frozenset[str]
    settings: frozenset[str]
    files: frozenset[str]

    def beyond(self, other: "Traces") -> dict[str, list[str]]:
        """What is here and not in the other, by kind; kinds without any are left out."""
        ours, theirs = asdict(self), asdict(other)
        extra = {kind: sorted(ours[kind] - theirs[kind]) for kind in ours}
        return {kind: found for kind, found in extra.items() if found}


def find_traces(debian: Path, *, folders: Iterable[Path] = ()) -> Traces:
    """What there is now.

    debian: the unpacked packages, for `nft`
    folders: looked into besides the usual ones
    """
    return Traces(
        processes=frozenset(_processes()),
        mounts=frozenset(line.split()[4] for line in _lines(Path("/proc/self/mountinfo"))),
        cgroups=frozenset(folder for folder in _cgroups() if "/process_api/" not in folder or "triptych" in folder),
        links=frozenset(_output("ip", "-oneline", "link", "show").splitlines()),
        routes=frozenset(_output("ip", "route", "show", "table", "all").splitlines()),
        rules=frozenset(_rules(debian)),
        settings=frozenset(f"{name} = {Path('/proc/sys', name).read_text().strip()}" for name in _SETTINGS),
        files=frozenset(_files((*map(Path, _WRITTEN), *folders))),
    )


def _processes() -> Iterator[str]:
    own = _namespaces(Path("/proc/self"))
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if _namespaces(folder) != own:
                yield f"{folder.name} {(folder / 'comm').read_text().strip()}"
        except OSError:  # it has ended
            continue


def _namespaces(process: Path) -> list[Path]:
    return [(process / "ns" / name).readlink() for name in ("net", "mnt")]


def _cgroups() -> Iterator[str]:
    for root in Path("/sys/fs/cgroup").iterdir():
        yield from (folder for folder, _, _ in os.walk(root))


def _rules(debian: Path) -> list[str]:
    libraries = f"{debian}/usr/lib/x86_64-linux-gnu"
    return _output(f"{debian}/usr/sbin/nft", "list", "tables", LD_LIBRARY_PATH=libraries).splitlines()


def _files(folders: Iterable[Path]) -> Iterator[str]:
    for folder in folders:
        if folder.is_dir():
            yield from (str(file) for file in folder.iterdir())


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()


def _output(*command: str, **environment: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **environment}).stdout
