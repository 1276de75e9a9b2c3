"""Debian packages, fetched and unpacked without installing them: apt with sources and lists of its own."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.commands import run
from cluster.errors import ClusterError

_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def unpack(packages: Iterable[str], folder: Path, *, suites: Iterable[str], dependencies: bool = False) -> None:
    """Unpack packages (`name`, or `name/suite` where several suites are given) into a folder; apt checks signatures.

    dependencies: with all that they depend on; the folder becomes the root of a small system

    Raises:
        ClusterError: they cannot be had
    """
    with _apt(suites) as (apt, config):
        run(["apt-get", "--quiet", "update"], cwd=apt, APT_CONFIG=config)
        if dependencies:
            command = ["apt-get", "--quiet", "--yes", "--no-install-recommends", "--download-only", "install"]
        else:
            command = ["apt-get", "--quiet", "download"]
        archives = apt / "cache" / "archives"
        run([*command, *packages], cwd=archives, APT_CONFIG=config)
        if dependencies:
            _merge_usr(folder)
        for archive in sorted(archives.glob("*.deb")):
            run(["dpkg-deb", "--extract", str(archive), str(folder)], cwd=apt)


@contextmanager
def _apt(suites: Iterable[str]) -> Iterator[tuple[Path, str]]:
    """A folder for apt, and its configuration file for APT_CONFIG. No package counts as installed there."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for needed in ("lists/partial", "cache/archives/partial"):
            (folder / needed).mkdir(parents=True)
        (folder / "status").touch()
        source = _source()
        lines = [f"deb [signed-by={_KEYRING}] {source} {suite} main\n" for suite in suites]
        (folder / "sources.list").write_text("".join(lines), encoding="utf-8")
        options = {
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": "-",
            "Dir::State::lists": folder / "lists",
            "Dir::State::status": folder / "status",
            "Dir::Cache": folder / "cache",
            "Acquire::Languages": "none",
            "APT::Sandbox::User": "root",
        }
        config = folder / "apt.conf"
        config.write_text("".join(f'{name} "{value}";\n' for name, value in options.items()), encoding="utf-8")
        yield folder, str(config)


def _source() -> str:
    """Where this machine has Debian from."""
    answer = run(["apt-get", "indextargets", "--format", "$(CREATED_BY) $(REPO_URI) $(SITE)"], cwd=Path("/"))
    targets = [line.split()[1] for line in answer.splitlines() if line.startswith("Packages ")]
    found = [target for target in targets if target.rstrip("/").endswith("/debian")]
    if not found:
        raise ClusterError("apt on this machine has no source of Debian: use one that has, or set KUBECONFIG")
    return found[0]


def _merge_usr(folder: Path) -> None:
    """Debian's root: its packages still name /bin and /lib, which lie in /usr."""
    for name in ("bin", "sbin", "lib", "lib64"):
        (folder / "usr" / name).mkdir(parents=True)
        (folder / name).symlink_to(f"usr/{name}")
