"""`triptych monitoring`: rules for Prometheus, dashboards for Grafana, and the error budget that is left."""

from collections.abc import Mapping
from pathlib import Path

import click

from triptych_ops.errors import RefusedError
from triptych_ops.monitoring import OBJECTIVES, RUNBOOKS, error_budget, rule_files
from triptych_ops.monitoring.dashboards import dashboard_files

from .output import print_json

_OUT = click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the files."
)
_CHECK = click.option("--check", is_flag=True, help="Write nothing; exit 4 where a file differs.")


@click.group()
def monitoring() -> None:
    """Write rules for Prometheus and dashboards for Grafana; tell what is left of an error budget."""


@monitoring.command("rules")
@_OUT
@click.option("--runbooks", metavar="URL", default=RUNBOOKS, show_default=True, help="Where the runbooks are.")
@_CHECK
def write_rules(out: Path, runbooks: str, check: bool) -> None:
    """Write recording rules and alerts, as `promtool check rules` and a PrometheusRule take them."""
    _write(rule_files(runbooks=runbooks.rstrip("/")), out, check=check, command="rules")


@monitoring.command("dashboards")
@_OUT
@_CHECK
def write_dashboards(out: Path, check: bool) -> None:
    """Write dashboards, as Grafana imports them: an overview, release against release, capacity."""
    files = dashboard_files()
    _write(files, out, check=check, command="dashboards")


@monitoring.command("budget")
@click.argument("objective", type=click.Choice([each.name for each in OBJECTIVES]), default="members-availability")
@click.option("--prometheus", metavar="URL", required=True, help="Such as http://prometheus.monitoring.svc:9090.")
@click.option("--namespace", default="", help="Of the servers.  [any]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def tell_budget(objective: str, prometheus: str, namespace: str, as_json: bool) -> None:
    """Tell the share of OBJECTIVE's error budget of the period that is left."""
    budget = error_budget(prometheus, objective, namespace=namespace)
    if as_json:
        print_json({"objective": budget.objective, "remaining": budget.remaining})
    else:
        click.echo(f"{budget.objective}: {budget.remaining:.1%} of the error budget is left")


def _write(files: Mapping[str, str], out: Path, *, check: bool, command: str) -> None:
    if check:
        differing = [name for name, text in files.items() if not _same(out / name, text)]
        if differing:
            raise RefusedError(f"{out}: {', '.join(differing)} differ: run `triptych monitoring {command} --out {out}`")
        return
    out.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (out / name).write_text(text, encoding="utf-8")
        click.echo(out / name)


def _same(file: Path, text: str) -> bool:
    return file.is_file() and file.read_text(encoding="utf-8") == text
