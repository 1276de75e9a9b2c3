"""A real Prometheus with the rules of monitoring that scrapes what is served here, as the chart's monitors would."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cluster.prometheus import Prometheus, prometheus
from prometheus_tools import find_tool
from triptych_ops.monitoring import rule_files

Labels = Mapping[str, str]


@contextmanager
def scraping(folder: Path, targets: list[tuple[str, Labels]]) -> Iterator[Prometheus]:
    """Scrape these URLs each second, with these labels; evaluate the rules as often."""
    for name, text in rule_files().items():
        (folder / name).write_text(text, encoding="utf-8")
    every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    jobs = [_job(number, url, labels) for number, (url, labels) in enumerate(targets)]
    configuration = {"global": every, "scrape_configs": jobs, "rule_files": list(rule_files())}
    with prometheus(find_tool("prometheus").parents[2], folder, configuration) as started:
        yield started


def _job(number: int, url: str, labels: Labels) -> dict[str, Any]:
    parts = urlsplit(url)
    return {
        "job_name": f"{number}",
        "metrics_path": parts.path,
        "static_configs": [{"targets": [parts.netloc], "labels": dict(labels)}],
        "metric_relabel_configs": [{"action": "labeldrop", "regex": "exported_release"}],
    }
