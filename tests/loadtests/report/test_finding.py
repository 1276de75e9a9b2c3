"""What a record comes to, and that every form of the report says the same."""

import csv
import json
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from loadtests.objectives import objective
from loadtests.records import DROPPED, OK, Outcome, masked
from loadtests.report import FILES, Finding, State, found_in, write
from loadtests.statistics import Counters

from .recorded import PROFILE, record


def slow_in_rush(stage: str, _number: int) -> float:
    return 0.9 if stage == "rush" else 0.05


@pytest.mark.parametrize(
    ("outcome", "slow", "state"),
    [
        (Outcome.DONE, False, State.HELD),
        (Outcome.DONE, True, State.BREACHED),
        (Outcome.GENERATOR_BOUND, True, State.INCONCLUSIVE),
        (Outcome.STOPPED, False, State.INCONCLUSIVE),
        (Outcome.ONLY_ERRORS, False, State.FAILED),
        (Outcome.WORKER_LOST, False, State.FAILED),
        (None, False, State.INCONCLUSIVE),
    ],
)
def test_what_a_run_comes_to(outcome: Outcome | None, slow: bool, state: State, tmp_path: Path) -> None:
    folder = record(tmp_path, outcome=outcome, latency_s=slow_in_rush if slow else lambda *_: 0.1)
    assert found_in(folder).state is state


def test_objectives_of_the_callers_own_come_instead(tmp_path: Path) -> None:
    folder = record(tmp_path, latency_s=slow_in_rush)
    finding = found_in(folder, objectives=[objective("rush: p99<2s"), objective("calm: p99<60ms")])
    assert (finding.state, len(finding.verdicts)) == (State.HELD, 2)


def test_the_slowest_stage_is_told_with_the_servers_own_figures(tmp_path: Path) -> None:
    folder = record(tmp_path, latency_s=slow_in_rush)
    zero = Counters(
        instances=2, requests=0, failed=0, images=0, runs=0, queue_s=0, input_s=0, infer_s=0, output_s=0, busy_s=0
    )
    told = [
        {"at_s": at_s, "members": {"classifier": asdict(replace(zero, requests=count, busy_s=busy_s))}}
        for at_s, count, busy_s in ((2.1, 0, 0.0), (5.9, 40, 0.4), (6.1, 40, 0.4), (9.9, 240, 7.9))
    ]
    (folder / "statistics.jsonl").write_text("".join(json.dumps(each) + "\n" for each in told))
    finding = found_in(folder)
    assert (finding.told_stage, finding.members[0].requests) == ("rush", 200)
    assert "classifier is the bottleneck: its 2 instances were at work 99% of the time" in finding.bottleneck


@pytest.fixture
def written(tmp_path: Path) -> tuple[Finding, Path]:
    def code(stage: str, number: int) -> str:
        bad = {3: "unavailable", 4: DROPPED}
        return bad.get(number, OK) if stage == "rush" else OK

    folder = record(tmp_path, code=code)
    finding = found_in(folder)
    write(finding, folder)
    assert {file.name for file in folder.iterdir()} >= set(FILES)
    return finding, folder


def test_json_says_it_to_programs(written: tuple[Finding, Path]) -> None:
    finding, folder = written
    document = json.loads((folder / "report.json").read_text())
    assert (document["schema_version"], document["state"], document["releases"]) == (1, "breached", {"7": 258})
    rush = next(each for each in document["stages"] if each["stage"] == "rush")
    assert (rush["offered"], rush["sent"], rush["good"], rush["dropped"]) == (200, 199, 198, 1)
    assert document["bottleneck"] == finding.bottleneck
    assert document["run"]["profile"]["name"] == PROFILE.name


def test_csv_has_a_row_a_stage(written: tuple[Finding, Path]) -> None:
    _, folder = written
    rows = list(csv.DictReader((folder / "stages.csv").read_text().splitlines()))
    assert [row["stage"] for row in rows] == ["warm-up", "calm", "rush"]
    assert (rows[2]["dropped"], rows[2]["unavailable"], rows[1]["unavailable"]) == ("1", "1", "0")


@pytest.mark.parametrize(
    ("outcome", "slow", "counts"),
    [
        (Outcome.DONE, False, ("5", "0", "0", "0")),
        (Outcome.DONE, True, ("5", "1", "0", "0")),
        (Outcome.GENERATOR_BOUND, True, ("5", "0", "1", "4")),
    ],
)
def test_junit_has_a_test_an_objective(outcome: Outcome, slow: bool, counts: tuple[str, ...], tmp_path: Path) -> None:
    folder = record(tmp_path, outcome=outcome, latency_s=slow_in_rush if slow else lambda *_: 0.1)
    write(found_in(folder), folder)
    suite = ElementTree.parse(folder / "junit.xml").getroot()  # noqa: S314  our own
    assert tuple(suite.get(name) for name in ("tests", "failures", "errors", "skipped")) == counts
    assert len(suite.findall("testcase")) == 5
    assert [len(suite.findall(f"testcase/{kind}")) for kind in ("failure", "error", "skipped")] == [
        int(count) for count in counts[1:]
    ]


class Checked(HTMLParser):
    """What a page is made of; every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open = list[str]()
        self.seen = list[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not {"src", "href", "onload"} & {name for name, _ in attrs}
        self.seen.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_stands_alone(written: tuple[Finding, Path]) -> None:
    finding, folder = written
    text = (folder / "report.html").read_text()
    page = Checked(text)
    assert page.open == []
    assert "script" not in page.seen
    assert page.seen.count("svg") == 4
    assert "of &lt;tests&gt;" in text
    assert "<tests>" not in text
    assert finding.bottleneck.replace("'", "&#39;") in text


def test_a_run_without_a_request_has_a_page_too(tmp_path: Path) -> None:
    folder = record(tmp_path, outcome=None)
    (folder / "samples-0.csv").write_text("")
    finding = found_in(folder)
    write(finding, folder)
    assert finding.state is State.INCONCLUSIVE
    assert Checked((folder / "report.html").read_text()).seen.count("svg") == 0


def test_what_was_run_is_in_the_page_without_secrets(tmp_path: Path) -> None:
    folder = record(tmp_path, command=masked(["/bin/triptych", "loadtest", "run", "--header", "x-api-key=hunter2"]))
    finding = found_in(folder)
    write(finding, folder)
    text = (folder / "report.html").read_text()
    assert "triptych loadtest run --header &#39;x-api-key=***&#39;" in text
    assert "calm: 10 requests/s, for 4.0 s; rush: 50 requests/s, for 4.0 s" in text
    assert json.loads((folder / "report.json").read_text())["run"]["command"][-1] == "x-api-key=***"
    assert "hunter2" not in "".join(file.read_text() for file in folder.iterdir())


def test_a_share_of_few_requests_has_its_interval(tmp_path: Path) -> None:
    folder = record(tmp_path)
    finding = found_in(folder)
    write(finding, folder)
    calm = next(each for each in finding.verdicts if each.objective.name == "errors" and each.stage == "calm")
    assert calm.found == "0% (0% to 8.76%)"
    assert calm.interval is not None
    latency = next(each for each in finding.verdicts if each.objective.name == "p99")
    assert (latency.interval, latency.found) == (None, "100 ms")
    text = (folder / "report.html").read_text()
    assert "0% (0% to 8.76%)" in text
    assert "95% interval by Wilson" in text
    judged = json.loads((folder / "report.json").read_text())["objectives"]
    highs = {
        each["figure"]: each["interval"] and each["interval"]["high"] for each in judged if each["stage"] == "calm"
    }
    assert highs == {"p99": None, "errors": pytest.approx(calm.interval.high)}
