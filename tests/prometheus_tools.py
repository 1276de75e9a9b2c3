"""Prometheus and promtool: from PATH, else Debian's package, unpacked into the cache without installing it."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from cluster import debian
from cluster.tools import key, made

# A later Debian's package has no promtool.
_SUITE = "bookworm"


def find_tool(name: str) -> Path:
    """The program `prometheus` or `promtool`.

    Raises:
        ClusterError: apt cannot fetch it
    """
    if installed := shutil.which(name):
        return Path(installed)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "triptych"
    folder = cache / f"prometheus-{key(_SUITE.encode())}"
    if not folder.exists():
        made(folder, lambda part: debian.unpack([f"prometheus/{_SUITE}"], part, suites=[_SUITE]))
    return folder / "usr" / "bin" / name


def check_rules(*files: Path) -> str:
    """What `promtool check rules` finds wrong; "" where nothing is."""
    return _said("check", *files)


def try_rules(rules: Path, tests: list[dict[str, Any]]) -> str:
    """What `promtool test rules` finds wrong; "" where nothing is. The tests' file comes to lie beside the rules."""
    document = {"rule_files": [rules.name], "evaluation_interval": "1m", "tests": tests}
    file = rules.with_suffix(".tests.yaml")
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return _said("test", file)


def _said(verb: str, *files: Path) -> str:
    ended = subprocess.run([find_tool("promtool"), verb, "rules", *files], capture_output=True, text=True, check=False)
    return "" if ended.returncode == 0 else ended.stdout + ended.stderr
