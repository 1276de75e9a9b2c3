"""Every table on a terminal of 80 and of 60 columns, with values as long as they come."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console
from rich.table import Table as RichTable

import releases
from loadtests.capacity import Capacity, Trial
from loadtests.comparison import Comparison, Row, Word
from loadtests.comparison.resampling import Change, Scale
from loadtests.objectives import Unit, Verdict, objective
from loadtests.records import StageSummary
from loadtests.rollouts import RolloutTraffic
from loadtests.rollouts.traffic import ReleaseTraffic
from loadtests.tuning import Candidate, Screened
from ops.rollout.clusters import COURSE, NEW, START, PlainCluster
from terminals import at_terminal
from triptych_ops.cli import output, tune
from triptych_ops.cli.evaluate import command as evaluate
from triptych_ops.cli.loadtest import compare, concluding, find_max
from triptych_ops.cli.loadtest import rollout as loadtest_rollout
from triptych_ops.cli.output import Table, layout, print_table, table
from triptych_ops.cli.rollout import history, lint, status
from triptych_ops.cli.top import _show as show_top
from triptych_ops.monitoring.top import Edge, Overview, Served
from triptych_ops.release import AliasRecord, Store
from triptych_ops.release.aliases import Entry
from triptych_ops.rollout.operations import begin
from triptych_ops.rollout.plan import load_plan
from triptych_ops.rollout.state import Act, Decision, Look, Phase, Record, Rollout

from .conftest import Command

_SHA = re.compile(r"\b[0-9a-f]{64}\b")
_BY = "continuous-delivery@build-agent-eu-west-1-0123456789"
_WHY = "errors: 0.0213 more of the requests failed than on the stable track, between 0.0151 and 0.0277, beyond 0.01"


@pytest.fixture(params=[80, 60])
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The columns of the terminal that stdout goes to."""
    columns = int(request.param)
    monkeypatch.setattr(output, "_terminal_columns", lambda: columns)
    return columns


def stage(name: str, *, measured: bool = True) -> StageSummary:
    return StageSummary(
        stage=name, measured=measured, seconds=3600.0, is_open=True, offered=288_000, sent=287_412, dropped=588,
        late=1_204, good=287_001, in_time=286_900, per_s=79.7, images_per_s=1275.2, p50_s=0.0123, p95_s=0.1777,
        p99_s=1.2378, lag_p99_s=0.001, codes={"": 1},
    )  # fmt: skip


def stages() -> None:
    concluding._print_stages([stage("warm-up", measured=False), stage("spike, times five"), stage("afterwards")])


def verdicts() -> None:
    of = objective("p99<500ms"), objective("errors<0.1%")
    concluding._print_verdicts([Verdict(each, "spike, times five", 0.4123, held=False) for each in of])


def compared() -> None:
    change = Change(
        first=0.1777, second=0.2378, scale=Scale.RATIO, change=1.338, low=0.123, high=10.23, detectable=4.261
    )
    rows = [
        Row(stage="spike, times five", figure=figure, unit=Unit.SECONDS, change=change, word=Word.NOT_SHOWN)
        for figure in ("p50", "p95", "p99")
    ]
    compare._print(Comparison(first=None, second=None, rows=rows, differences=[]))  # type: ignore[arg-type]


def traffic() -> None:
    each = ReleaseTraffic(
        release=1_000_007, answered=287_001, share=0.4371, first_s=0.0, last_s=3599.9, p50_s=0.0123, p99_s=1.2378
    )
    loadtest_rollout._print(RolloutTraffic(sent=1, failed={}, mixed=0, dropped=0, releases=[each], by_second=[]))


def trials() -> None:
    trial = Trial(per_s=1234.5, held=False, margin=1.2, answered_per_s=1200.1, mean_s=0.1, p50_s=0.0123, p99_s=1.2378,
                  generator_bound=True)  # fmt: skip
    find_max._print(Capacity(per_s=800.0, beyond_per_s=900.0, generator_bound=False, knee_per_s=700.0, trials=(trial,)))


def screening() -> None:
    settings = {"preprocess-instances": 16, "classifier-instances": 32, "threads": 16, "batch": 8}
    tune._print([Screened(candidate=Candidate(settings), per_s=[1234.0] * 20, ratio=1.02)])


def top() -> None:
    classes = {"Chesapeake Bay retriever": 0.1234, "black-and-tan coonhound, seen from very far away": 0.1}
    served = Served("candidate", "1000007", 1234.5, 19_752.0, 0.0123, 1.2345, "postprocess", 31.9, 0.4321, 0.0123, 0.71,
                    classes)  # fmt: skip
    edge = Edge("candidate", "1000007", 1234.5, 0.0123, 0.0123, 1.2345)
    show_top(Overview(60.0, 12, (served, served), (edge,)), as_json=False, clear=False)


def evaluated() -> None:
    speed = {"p50_ms": 123.4, "images_per_s": 1234.0}
    name = "support vector machine on colour-moments, hog, hsv-histogram, hu-moments and lbp"
    model = {"name": name, "accuracy": 0.9876, "macro_f1": 0.9812, "speed": speed}
    evaluate._print({"models": [model, model], "images": 5_000, "part": "validation", "report": "report.html"})


def rollout() -> Rollout:
    begun = begin(Record(), PlainCluster().observe(), release=NEW, plan="{}", course=COURSE, by=_BY, at=START)
    assert begun.current is not None
    evidence = {"metric": "confidence-of-the-best-class", "decision": "rollback", "why": _WHY, "samples": 123_456,
                "stable_samples": 1_234_567, "estimate": 0.0213123, "low": 0.0151123, "high": 0.0277123}  # fmt: skip
    look = Look(at=START, act=Act.ABORT, why=_WHY, samples=123_456, evidence=(evidence, evidence))
    decision = Decision(number=1, at=START, phase=Phase.CHECKING, step=0, act=Act.PASS, by=_BY, why=_WHY)
    return begun.current.model_copy(update={"latest": look, "decisions": (decision, decision)})


def rollout_evidence() -> None:
    status._print_evidence(rollout())


def rollouts() -> None:
    history._list([rollout()], as_json=False)


def decisions() -> None:
    history._show(rollout())


def plan() -> None:
    lint._print(load_plan("prometheus: http://prometheus.monitoring:9090\n"))


def alias_history() -> None:
    from triptych_ops.cli.release.tag import _show_history

    record = AliasRecord(alias="stable", number=1_000_007, manifest_sha256="8" * 64, by=_BY, at=datetime.now(UTC))
    _show_history([Entry(sequence, record, "9" * 64) for sequence in (1, 2)], {1}, as_json=False)


PRINTED: dict[str, Callable[[], None]] = {
    "loadtest run, stages": stages,
    "loadtest run, objectives": verdicts,
    "loadtest compare": compared,
    "loadtest rollout": traffic,
    "loadtest find-max": trials,
    "tune": screening,
    "top": top,
    "evaluate": evaluated,
    "rollout status": rollout_evidence,
    "rollout history": rollouts,
    "rollout history 3": decisions,
    "rollout lint": plan,
    "release tag --history": alias_history,
}


@pytest.mark.parametrize("name", PRINTED)
def test_a_printed_table_fits(name: str, width: int, capsys: pytest.CaptureFixture[str]) -> None:
    PRINTED[name]()
    tables, _, _ = capsys.readouterr().out.partition("\ngates ")  # a sentence below the tables of a plan
    require_fit(tables, width)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Three releases, one of a long name with many aliases."""
    made = Store(tmp_path / "a-store-of-the-shop-in-production-in-a-folder-with-a-long-name")
    names = ("efficientnet_lite0", "timm:mobilenetv4_conv_small.e2400_r224_in1k", "resnet50")
    for number, name in enumerate(names, 7):
        with made.staging() as staged:
            releases.write_sound(staged, number)
            plain = releases.manifest(number, staged)
            weights = plain.weights.model_copy(update={"sha256": f"{number}f" * 32, "definition": name})
            made.publish(staged, plain.model_copy(update={"architecture": name, "weights": weights}))
    for alias in ("stable", "canary", "eu-production", "before-the-sale"):
        made.tag(alias, 8)
    return made


@pytest.mark.parametrize("arguments", ["list", "show 8", "diff 7 8", "tag", "tag stable --history"])
def test_a_release_fits(arguments: str, store: Store, width: int, command: Command) -> None:
    done = command("release", *arguments.split(), "--store", store.location)
    assert done.status == 0
    require_fit(done.stdout, width)
    if arguments == "show 8":
        assert store.release(8).manifest_sha256 in _SHA.findall(done.stdout)
        assert f"{store.location}/releases/8" in done.stdout
    if arguments == "list":
        left_out = "size, classes, created, precision" + (", architecture" if width == 60 else "")
        assert done.stderr == (f"not shown on {width} columns: {left_out}; a wider terminal shows them, and --json\n")
        assert "before-the-sale, canary" in done.stdout


def test_what_data_check_finds_fits(width: int, command: Command, tmp_path: Path) -> None:
    for label in ("Chesapeake-Bay-retriever-and-other-brown-dogs", "cats"):
        (tmp_path / "images" / label).mkdir(parents=True)
        for number in range(3):
            path = tmp_path / "images" / label / f"photograph-of-the-21st-of-june-{number}-from-the-garden.png"
            Image.new("RGB", (40, 40), (number, 0, 0)).save(path)
    done = command("data", "check", tmp_path / "images")
    require_fit(done.stdout, width)
    assert "photograph-of-the-21st-of-june-0-from-the-garden.png" in done.stdout


def require_fit(text: str, width: int) -> None:
    assert text.strip()
    assert "…" not in text
    for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines():
        if len(line) > width:  # a single word, which is never divided
            assert len(line.split()) == 1, line


def test_a_table_that_shortens_its_cells_is_found() -> None:
    """The control: what rich makes of a digest on 80 columns."""
    console = Console(width=80, file=StringIO())
    sheet = RichTable("release 8 of the shop", "value")
    sheet.add_row("manifest sha256", "8" * 64)
    console.print(sheet)
    with pytest.raises(AssertionError):
        require_fit(console.file.getvalue(), 80)  # type: ignore[attr-defined]


def test_nothing_is_left_out_where_stdout_is_a_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    stages()
    shown = capsys.readouterr()
    assert "late" in shown.out
    assert max(map(len, shown.out.splitlines())) > 90
    assert shown.err == ""


def rows(*cells: str, gives_up: tuple[str, ...] = ()) -> Table:
    made = table("name", "words", "number", right=("number",), gives_up=gives_up)
    made.add_row(*cells)
    return made


@pytest.mark.parametrize(("width", "gap"), [(None, 3), (44, 3), (43, 2), (42, 2)])
def test_columns_come_nearer_before_anything_is_left_out(width: int | None, gap: int) -> None:
    made = layout(rows("seven", "a text that is long enough", "1234567", gives_up=("number",)), width)
    assert made.left_out == []
    assert made.lines[1] == (" " * gap).join(("seven", "a text that is long enough", "1234567"))


def test_text_is_wrapped_before_a_column_is_left_out() -> None:
    made = layout(rows("seven", "a text that is much longer than it need be", "1", gives_up=("number",)), 46)
    assert made.left_out == []
    assert made.lines[1:] == ["seven  a text that is much longer than       1", "       it need be"]


def test_columns_are_left_out_in_their_order() -> None:
    long = rows("s" * 30, "w" * 30, "1" * 30, gives_up=("number", "words"))
    assert layout(long, 64).left_out == ["number"]
    assert layout(long, 40).left_out == ["number", "words"]


def test_a_row_with_too_long_a_word_stands_one_cell_below_the_other() -> None:
    sheet = table("what", "value")
    sheet.add_row("size", "27.9 MB")
    sheet.add_row("digest", "f" * 64)
    made = layout(sheet, 66)
    assert made.header == ["what   value"]
    assert made.lines[1:] == ["size   27.9 MB", "digest", "  value:", f"  {'f' * 64}"]


def test_a_table_gives_up_columns_that_it_has() -> None:
    with pytest.raises(ValueError, match="no column 'size'"):
        table("name", gives_up=("size",))


def test_wide_characters_count_for_two(capsys: pytest.CaptureFixture[str], width: int) -> None:
    made = table("label", "score", right=("score",))
    made.add_row("日本語の長い名前 " * 4, "0.5")
    print_table(made)
    from rich.cells import cell_len

    assert max(map(cell_len, capsys.readouterr().out.splitlines())) <= width


def test_the_terminal_is_asked_for_its_width(store: Store) -> None:
    """Through a real terminal, which is 80 columns wide."""
    status, text = at_terminal("release", "show", "8", "--store", store.location, columns=80)
    assert status == 0
    require_fit(text, 80)
    assert max(map(len, text.splitlines())) > 70
    assert store.release(8).manifest_sha256 in text
