"""`triptych loadtest compare` as a user runs it."""

import json
import re
from pathlib import Path

import pytest

from commands import triptych

from .recorded import PER_S, record


def test_a_slower_server_is_told_and_ends_with_4(tmp_path: Path) -> None:
    record(tmp_path / "before", 1)
    record(tmp_path / "after", 2, slower=1.5)
    done = triptych("loadtest", "compare", tmp_path / "before", tmp_path / "after")
    assert done.returncode == 4
    rows = {line.split()[1]: line for line in done.stdout.splitlines()[2:]}
    assert all(rows[figure].endswith("WORSE") for figure in ("p50", "p95", "p99"))
    assert rows["errors"].endswith("not shown to differ")
    assert rows["achieved"].endswith("same")
    # 1.56 x   1.35 to 1.79 x   1.21 x   WORSE: no interval of a ratio begins below zero
    assert re.search(r" 1\.\d+ x +1\.\d+ to 1\.\d+ x +1\.\d+ x +WORSE$", rows["p50"]), rows["p50"]
    assert "%" not in rows["p50"]
    assert "worse by more than chance: server: p50 1." in done.stderr
    assert "not the same in both: seed: 1, then 2" in done.stderr


def test_the_same_server_ends_with_0_and_programs_get_one_object(tmp_path: Path) -> None:
    record(tmp_path / "before", 1)
    record(tmp_path / "after", 2)
    done = triptych("loadtest", "compare", tmp_path / "before" / "run.json", tmp_path / "after", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["regressions"] == 0
    assert {row["word"] for row in found["rows"]} == {"same", "not shown to differ"}
    assert {row["change"]["scale"] for row in found["rows"]} == {"ratio", "difference"}


@pytest.mark.parametrize(
    ("second", "status", "words"),
    [
        ("nowhere", 3, "nowhere"),
        ("faster", 6, "have no measured stage of the same load; run one profile twice"),
    ],
)
def test_what_cannot_be_compared_is_one_line(second: str, status: int, words: str, tmp_path: Path) -> None:
    record(tmp_path / "before", 1)
    record(tmp_path / "faster", 2, per_s=PER_S + 1)
    done = triptych("loadtest", "compare", tmp_path / "before", tmp_path / second)
    assert (done.returncode, done.stdout) == (status, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
