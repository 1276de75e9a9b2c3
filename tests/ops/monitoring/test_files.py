"""What is generated, against what is committed."""

from pathlib import Path

import yaml

from triptych_ops.monitoring import rule_files
from triptych_ops.monitoring.dashboards import dashboard_files


def test_the_charts_rules_are_those_that_are_generated(checkout: Path) -> None:
    folder = checkout / "helm" / "triptych" / "files" / "rules"
    assert {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()} == rule_files()


def test_the_charts_dashboards_are_those_that_are_generated(checkout: Path) -> None:
    folder = checkout / "helm" / "triptych" / "files" / "dashboards"
    assert {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()} == dashboard_files()


def test_each_alert_has_its_runbook_and_each_runbook_its_alert(checkout: Path) -> None:
    pages = {page.name for page in (checkout / "helm" / "triptych" / "runbooks").iterdir()}
    groups = [group for text in rule_files().values() for group in yaml.safe_load(text)["groups"]]
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    assert {rule["annotations"]["runbook_url"] for rule in alerts} == {f"RUNBOOKS/{page}" for page in pages}
    assert {f"{rule['alert']}.md" for rule in alerts} == pages


def test_a_runbook_says_what_it_means_what_to_look_at_and_what_to_do(checkout: Path) -> None:
    for page in (checkout / "helm" / "triptych" / "runbooks").iterdir():
        heads = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
        assert heads == [f"# {page.stem}", "## What it means", "## What to look at", "## What to do"]
