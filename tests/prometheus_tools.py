"""Prometheus and promtool: from PATH, else Debian's package, unpacked into the cache without installing it."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from cluster import debian
from cluster.prometheus import Prometheus, prometheus
from cluster.tools import key, made
from triptych_ops.monitoring import BUDGET_REMAINING

# A later Debian's package has no promtool.
_SUITE = "bookworm"
_START_S = 20


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


@contextmanager
def error_budgets(folder: Path, left: Mapping[tuple[str, str], float]) -> Iterator[Prometheus]:
    """A real Prometheus with what is left of budgets: objective and namespace -> share."""
    rules = [
        {"record": BUDGET_REMAINING, "expr": f"vector({share})", "labels": {"sloth_slo": name, "namespace": namespace}}
        for (name, namespace), share in left.items()
    ]
    document = {"groups": [{"name": "budgets", "interval": "1s", "rules": rules}]}
    (folder / "rules.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    with prometheus(find_tool("prometheus").parents[2], folder, {"rule_files": ["rules.yaml"]}) as started:
        deadline = time.monotonic() + _START_S
        while not started.query(BUDGET_REMAINING) and time.monotonic() < deadline:
            time.sleep(0.2)
        yield started


def _said(verb: str, *files: Path) -> str:
    ended = subprocess.run([find_tool("promtool"), verb, "rules", *files], capture_output=True, text=True, check=False)
    return "" if ended.returncode == 0 else ended.stdout + ended.stderr
