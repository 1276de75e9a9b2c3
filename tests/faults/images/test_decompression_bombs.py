"""Case 41: images that would unpack to far more than they are, measured in the process that would do it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from . import pictures
from .asking import Answer, Asker
from .conftest import Plant, Serve

_BOUND_S, _BOUND_MIB = 0.050, 64
_TIMES = 5
_KIB = 1024


@dataclass(frozen=True, slots=True)
class Taken:
    """What the stub needed for one image: seconds of the whole request, the median; MiB, the most."""

    answer: Answer
    seconds: float
    mib: float


def take(asker: Asker, body: bytes) -> Taken:
    """Send an image several times."""
    stub = asker.serving.stubs()["preprocess"].pid
    answers, mib = [], []
    for _ in range(_TIMES):
        # 5 sets the highest resident memory back to the present one, see proc_pid_clear_refs(5).
        Path(f"/proc/{stub}/clear_refs").write_text("5", encoding="ascii")
        before = _highest_mib(stub)
        answers.append(asker.ask(body))
        mib.append(_highest_mib(stub) - before)
    return Taken(answers[0], median(answer.seconds for answer in answers), max(mib))


def _highest_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / _KIB


def test_case_41_bombs_are_refused_from_their_headers(asker: Asker) -> None:
    asker.ask(pictures.encoded(pictures.photograph(), "JPEG"))  # what a first image costs is no bomb's
    expected = {name: code for name, (_, code) in pictures.bombs().items()}
    taken = {name: take(asker, body) for name, (body, _) in pictures.bombs().items()}
    seconds, mib = max(one.seconds for one in taken.values()), max(one.mib for one in taken.values())
    print(
        f"case 41: {len(taken)} bombs refused in at most {seconds * 1000:.0f} ms of {_BOUND_S * 1000:g} (median of "
        f"{_TIMES}), {mib:.1f} MiB of {_BOUND_MIB} more in the stub"
    )
    assert {name: one.answer.code for name, one in taken.items()} == expected
    assert asker.faults({name: one.answer for name, one in taken.items()}) == []
    assert seconds <= _BOUND_S
    assert mib <= _BOUND_MIB


def test_case_41_control_a_bomb_that_is_not_refused_takes_the_memory(
    planted: Callable[[Plant], Path], serve: Serve
) -> None:
    def plant(preprocess: Path) -> None:
        path = preprocess / "preprocessing.json"
        definition = json.loads(path.read_text(encoding="utf-8"))
        definition["limits"]["max_pixels"] = 200_000_000
        path.write_text(json.dumps(definition), encoding="utf-8")

    body, _ = pictures.bombs()["PNG of 10000x10000 bits"]
    with serve(planted(plant)) as asker:
        asker.ask(pictures.encoded(pictures.photograph(), "JPEG"))
        taken = take(asker, body)
    print(f"case 41: without the limit {len(body)} bytes take {taken.seconds:.2f} s and {taken.mib:.0f} MiB")
    assert taken.answer.code == "ok"
    assert taken.seconds > _BOUND_S
    assert taken.mib > _BOUND_MIB
