"""A rollout asks a real Prometheus for the error budget before it writes anything."""

import json
from pathlib import Path
from typing import Any

from cluster.tracks import Tracks
from prometheus_tools import error_budgets

_ALL_SPENT = 0.04
_ENOUGH = 0.4
_OBJECTIVE = "members-availability"


def _plan(tracks: Tracks, prometheus: str, **fields: Any) -> Path:
    return tracks.plan(prometheus=prometheus, **fields)


def _decisions(tracks: Tracks) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tracks.record()["current"]["decisions"]
    return found


def test_too_little_left_is_refused_and_whoever_forces_it_is_on_record(tracks: Tracks, tmp_path: Path) -> None:
    audit = tmp_path / "audit.jsonl"
    with error_budgets(tmp_path, {(_OBJECTIVE, tracks.kubectl.namespace): _ALL_SPENT}) as source:
        plan, before = _plan(tracks, source.url), tracks.versions()
        refused = tracks.run(tracks.start(plan=plan))
        assert (refused.returncode, tracks.record(), tracks.versions()) == (4, {}, before)
        [line] = refused.stderr.splitlines()
        assert line.startswith("triptych: 4.0% of the error budget is left")
        rehearsed = tracks.run(tracks.start("--dry-run", plan=plan))
        assert (rehearsed.returncode, tracks.versions()) == (4, before)
        assert "replicas: 1" in rehearsed.stdout

        with tracks.begun(tracks.start("--force", "a fix of the outage", "--audit", audit, plan=plan)) as process:
            assert process.stderr
            told = [process.stderr.readline() for _ in range(2)]
        forced = next(each for each in _decisions(tracks) if each["act"] == "force")
    assert forced["by"] == "ada"
    assert forced["why"] == "4.0% of the error budget is left; forced by ada: a fix of the outage"
    assert any("a fix of the outage" in each for each in told)
    assert "a fix of the outage" in [json.loads(each) for each in audit.read_text().splitlines()][1]["why"]
    events = tracks.kubectl.get("events")["items"]
    assert [each for each in events if "a fix of the outage" in each.get("note", each.get("message", ""))]
    print(f"error budget: 4 % left is refused with nothing written; forced, the record says {forced['why']!r}")


def test_no_figure_is_refused_and_enough_is_not_asked_twice(tracks: Tracks, tmp_path: Path) -> None:
    with error_budgets(tmp_path, {(_OBJECTIVE, tracks.kubectl.namespace): _ENOUGH}) as source:
        unknown = tracks.run(tracks.start(plan=_plan(tracks, source.url, error_budget="edge-latency")))
        assert (unknown.returncode, tracks.record()) == (4, {})
        assert "no data is no pass" in unknown.stderr
        plan = _plan(tracks, source.url)
        with tracks.begun(tracks.start(plan=plan)) as process:
            assert process.stderr
            process.stderr.readline()
        assert [each["act"] for each in _decisions(tracks)][:1] == ["start"]
    # Prometheus is gone: what is under way goes on where it was, and is not refused.
    with tracks.begun(tracks.start(plan=plan)) as process:
        assert process.stderr
        said = process.stderr.readline()
    assert "error budget" not in said
    silent = tracks.run(tracks.command("abort"))
    assert silent.returncode == 0, silent.stderr
    absent = tracks.run(tracks.start(plan=plan))
    assert absent.returncode == 4
    assert f"Prometheus at {source.url} did not answer" in absent.stderr
