"""`triptych demo`: what a newcomer sees first."""

from pathlib import Path

from commands import triptych
from triptych_ops.photographs import PHOTOGRAPHS


def test_the_demo_shows_every_photograph_through_both_protocols(store: Path, tmp_path: Path) -> None:
    done = triptych("demo", "--store", store, env={"TMPDIR": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    for photograph in PHOTOGRAPHS:
        for protocol in ("gRPC", "HTTP"):
            assert f"{photograph.name} through {protocol}: " in done.stdout
    titles = [line for line in done.stdout.splitlines() if " through " in line]
    assert len(titles) == 2 * len(PHOTOGRAPHS)
    for title in titles:
        total, _, parts = title.partition(": ")[2].partition(" ms = ")
        named = dict(part.rsplit(" ", 1) for part in parts.split(" + "))
        assert list(named) == ["decode", "classify", "rank", "transport"]
        assert all(float(value) >= 0 for value in named.values())
        assert abs(sum(map(float, named.values())) - float(total)) < 0.3  # each is rounded to 0.1
    assert done.stdout.count("espresso") == 2
    assert "building" not in done.stderr
    assert "exporting" not in done.stderr  # the release was there
    assert list(tmp_path.iterdir()) == []
