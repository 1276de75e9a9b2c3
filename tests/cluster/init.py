"""Process 1 of the node, in namespaces of its own: prepares mounts and network, starts the programs, reports deaths.

Started as `python -m cluster.init KUBERNETES DEBIAN TRAEFIK COREDNS CACHE`. Nothing that it does is seen outside the
namespaces, and all of it ends with this process.
"""

import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from cluster.addresses import LINK, MACHINE, NODE
from cluster.gateway import traefik
from cluster.layout import NODE_NAME, Layout
from cluster.names import coredns
from cluster.programs import Program, Tools, import_command, stages

_READY_S = 120
_LOG_LINES = 15

# The kubelet sets them, and the kernel has only one of each: it gets files of its own instead.
_KERNEL_SETTINGS = {
    "vm/overcommit_memory": "1",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxbytes": "25000000",
    "kernel/keys/root_maxkeys": "1000000",
}
# What programs write to fixed places.
_WRITTEN = ("/var", "/etc")


class Init:
    """Starts the programs and outlives them."""

    def __init__(self, layout: Layout, tools: Tools) -> None:
        self._layout = layout
        self._tools = tools
        self._running: dict[int, Program] = {}

    def run(self) -> None:
        """Prepare, start everything, then reap for ever."""
        self._mount()
        self._join_network()
        for number, stage in enumerate(stages(self._layout, self._tools)):
            self._start_all(stage)
            if number == 0:
                self._import_images()
        self._layout.started.touch()
        while not self._layout.defined.exists():
            self._reap(os.WNOHANG)
            time.sleep(0.05)
        self._start_all([traefik(self._layout, self._tools.traefik), coredns(self._layout, self._tools.coredns)])
        self._layout.complete.touch()
        while True:
            self._reap(0)
            if not self._running:
                time.sleep(1)

    def _mount(self) -> None:
        _run("mount", "--make-rprivate", "/")
        _run("mount", "--make-rshared", "/")
        controllers = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
        hierarchies = {fields[1]: fields[3] for fields in controllers if fields[2] == "cgroup"}
        _run("mount", "-t", "sysfs", "sysfs", "/sys")
        _run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/sys/fs/cgroup")
        for folder, options in hierarchies.items():
            kept = [option for option in options.split(",") if option not in ("rw", "ro", "relatime", "xattr")]
            kept = [option for option in kept if not option.startswith(("nosuid", "nodev", "noexec", "release_agent"))]
            Path(folder).mkdir()
            _run("mount", "-t", "cgroup", "-o", ",".join(kept), "cgroup", folder)
        _run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
        for folder in _WRITTEN:
            upper, work = (self._layout.state / "overlays" / folder[1:] / kind for kind in ("upper", "work"))
            upper.mkdir(parents=True)
            work.mkdir()
            options = f"lowerdir={folder},upperdir={upper},workdir={work}"
            _run("mount", "-t", "overlay", "-o", options, "overlay", folder)
        for name, value in _KERNEL_SETTINGS.items():
            own = self._layout.state / "kernel-settings" / name
            own.parent.mkdir(parents=True, exist_ok=True)
            own.write_text(value, encoding="utf-8")
            _run("mount", "--bind", str(own), f"/proc/sys/{name}")

    def _join_network(self) -> None:
        """The other end of the link is made from outside."""
        deadline = time.monotonic() + 10
        while not Path("/sys/class/net/eth0").exists():
            if time.monotonic() > deadline:
                raise SystemExit("the link to the node did not appear")
            time.sleep(0.02)
        socket.sethostname(NODE_NAME)
        _run("ip", "link", "set", "lo", "up")
        _run("ip", "address", "add", f"{NODE}/{LINK.prefixlen}", "dev", "eth0")
        _run("ip", "link", "set", "eth0", "up")
        _run("ip", "route", "add", "default", "via", MACHINE)
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1", encoding="utf-8")

    def _start_all(self, programs: Sequence[Program]) -> None:
        for program in programs:
            self._start(program)
        for program in programs:
            self._wait_ready(program)

    def _start(self, program: Program) -> None:
        with (self._layout.logs / f"{program.name}.log").open("ab") as log:
            process = subprocess.Popen(
                program.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._layout.state,
                env={"PATH": self._tools.path, "HOME": str(self._layout.state), **program.environment},
            )
        self._running[process.pid] = program
        process.returncode = 0  # reaped below with all other children, not by Popen

    def _wait_ready(self, program: Program) -> None:
        context = ssl.create_default_context(cafile=self._layout.certificates / "ca.crt")
        deadline = time.monotonic() + _READY_S
        while not _answers(program.ready, context):
            self._reap(os.WNOHANG)
            if program not in self._running.values():
                raise SystemExit(1)
            if time.monotonic() > deadline:
                self._report(program, f"was not ready within {_READY_S} s")
                raise SystemExit(1)
            time.sleep(0.1)

    def _import_images(self) -> None:
        for archive in sorted(self._layout.images.glob("*.tar")):
            _run(*import_command(self._layout, self._tools, archive))

    def _reap(self, flags: int) -> None:
        try:
            pid, status = os.waitpid(-1, flags)
        except ChildProcessError:
            return
        if program := self._running.pop(pid, None):
            self._report(program, f"ended with {os.waitstatus_to_exitcode(status)}")

    def _report(self, program: Program, what: str) -> None:
        log = (self._layout.logs / f"{program.name}.log").read_text(encoding="utf-8", errors="replace")
        lines = "\n".join(f"  {line}" for line in log.splitlines()[-_LOG_LINES:])
        with self._layout.deaths.open("a", encoding="utf-8") as deaths:
            deaths.write(f"{program.name} {what}; its last lines:\n{lines}\n")


def _answers(ready: str, context: ssl.SSLContext) -> bool:
    try:
        if ready.startswith("http"):
            with urllib.request.urlopen(ready, timeout=2, context=context):
                return True
        if ready.startswith("/"):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(ready)
                return True
        host, _, port = ready.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=2):
            return True
    except OSError:
        return False


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed: {done.stderr.strip()}")


if __name__ == "__main__":
    *tools, cache = map(Path, sys.argv[1:])
    Init(Layout(cache), Tools(*tools)).run()
