"""`triptych train` on a run that has begun or ended: only with what it began with. And how long it says it took."""

import json
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from commands import TRIPTYCH, triptych
from ops.training.data.test_structure import divide
from ops.training.digits import LENET
from triptych_ops import training
from triptych_ops.errors import MissingError, RefusedError, UsageError
from triptych_ops.training import Run, Shares
from triptych_ops.training.presets import defaults
from triptych_ops.training.strategy import describe_change
from triptych_ops.training.times import Stopwatch, cpu_seconds

_LENET = ("--architecture", "lenet5", "--random", "--epochs", "2", "--threads", "1")


class _Notes(training.Silent):
    """Keeps what it is told; interrupts after an epoch if it should."""

    def __init__(self, *, interrupt_after: int | None = None) -> None:
        self.notes: list[str] = []
        self._interrupt_after = interrupt_after

    def note(self, message: str) -> None:
        self.notes.append(message)

    def epoch(self, epoch: training.Epoch, *, best: bool) -> None:
        del best
        if epoch.epoch == self._interrupt_after:
            raise KeyboardInterrupt


@pytest.fixture(params=["finished", "unfinished"])
def begun(request: pytest.FixtureRequest, digits: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A copy of the images, and a run on it that was finished, or was interrupted after an epoch."""
    photos = Path(shutil.copytree(digits, tmp_path / "photos"))
    if request.param == "finished":
        training.train(training.open_dataset(photos), tmp_path / "run", LENET, threads=1)
    else:
        with pytest.raises(KeyboardInterrupt):
            training.train(
                training.open_dataset(photos), tmp_path / "run", LENET, threads=1, observer=_Notes(interrupt_after=1)
            )
    return photos, tmp_path / "run"


def _removed(photos: Path) -> None:
    next((photos / "0").iterdir()).unlink()


def _added(photos: Path) -> None:
    shutil.copy(next((photos / "0").iterdir()), photos / "0" / "new.png")


def _altered(photos: Path) -> None:
    one, other, *_ = sorted((photos / "0").iterdir())
    shutil.copy(one, other)


@pytest.mark.parametrize(
    ("change", "words"), [(_removed, "is missing"), (_added, "is in no part"), (_altered, "has other content")]
)
def test_other_images_are_refused(begun: tuple[Path, Path], change: object, words: str) -> None:
    photos, run = begun
    before = (run / "run.json").read_bytes()
    assert callable(change)
    change(photos)
    with pytest.raises(RefusedError, match=f"{words}; restore the images, or name another folder with --out"):
        training.train(training.open_dataset(photos), run, LENET, threads=1)
    assert (run / "run.json").read_bytes() == before


def test_other_shares_splits_and_weights_are_refused(begun: tuple[Path, Path], tmp_path: Path) -> None:
    photos, run = begun
    dataset = training.open_dataset(photos)
    with pytest.raises(UsageError, match=r"with shares 6:2:2, not 8:1:1; .*, or name another folder with --out"):
        training.train(dataset, run, LENET, division=training.Division(shares=Shares(8, 1, 1)))
    other = Run(run).split.model_copy(update={"test": Run(run).split.validation, "validation": Run(run).split.test})
    with pytest.raises(UsageError, match=r"with another split than mine\.json; "):
        training.train(dataset, run, LENET, division=training.Division(split=other, source="mine.json"))
    (tmp_path / "weights.safetensors").write_bytes(b"x")
    with pytest.raises(UsageError, match="that began with the network's own weights, and --weights now says otherwise"):
        training.train(dataset, run, LENET, weights=tmp_path / "weights.safetensors")
    with pytest.raises(MissingError, match=r"none\.safetensors"):
        training.train(dataset, run, LENET, weights=tmp_path / "none.safetensors")


def test_a_finished_run_says_that_it_was_finished_before(run: Run, digits: Path) -> None:
    notes, before = _Notes(), run.record_file.read_bytes()
    training.train(training.open_dataset(digits), run.path, LENET, observer=notes)
    assert notes.notes == [f"{run.path} was finished before, with these images and settings: its figures again"]
    assert run.record_file.read_bytes() == before


def test_a_run_on_a_divided_folder_goes_on_and_is_evaluated(digits: Path, tmp_path: Path) -> None:
    photos, out = divide(digits, tmp_path / "photos", ("train", "val")), tmp_path / "run"
    notes = _Notes(interrupt_after=1)
    with pytest.raises(KeyboardInterrupt):
        training.train(training.open_dataset(photos), out, LENET, threads=1, observer=notes)
    assert notes.notes == [
        f"{photos} is divided already, and its parts are the split: 68 train, 28 validation, 24 test images "
        "(test taken from train by --shares 6:2:2); --layout pooled divides all anew, --layout classes takes the "
        "folders for classes"
    ]
    run = training.train(training.open_dataset(photos), out, LENET, threads=1)
    record = run.require_done()
    assert (record.dataset_layout, record.predefined, record.classes) == (
        "splits",
        ("train", "validation"),
        ("0", "1", "2", "3"),
    )
    assert {sample.part for sample in run.part("validation").samples} == {"validation"}
    assert {sample.part for sample in run.part("test").samples} == {"train"}
    (photos / "val" / "0" / "x.txt").write_text("so that the folders are read anew")
    assert len(run.part("test")) == 24


def test_a_folder_that_leaks_is_refused_and_may_be_pooled(digits: Path, tmp_path: Path) -> None:
    photos = divide(digits, tmp_path / "photos", ("train", "val", "test"))
    leaked = next((photos / "train" / "0").iterdir())
    shutil.copy(leaked, photos / "test" / "0" / "again.png")
    with pytest.raises(RefusedError, match=r"has the same image in two parts, 'train/0/.*' and 'test/0/again.png'"):
        training.train(training.open_dataset(photos), tmp_path / "run", LENET, threads=1)
    run = training.train(training.open_dataset(photos, "pooled"), tmp_path / "run", LENET, threads=1)
    place = {name: part for part in training.PARTS for name in run.split.names(part)}
    assert place["test/0/again.png"] == place[f"train/0/{leaked.name}"]


def test_the_time_is_that_of_all_processes_and_passes(digits: Path, tmp_path: Path) -> None:
    """Of the command as a whole, as the kernel counts it, but for the start of the interpreter."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = triptych("train", digits, "--out", tmp_path / "run", *_LENET, "--json")
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    record = json.loads(done.stdout)
    assert 0.6 * wall <= record["seconds"] <= wall
    assert 0.6 * used <= record["cpu_seconds"] <= used
    # What was printed before: the sum of the epochs, which is a small part of it.
    assert sum(epoch["seconds"] for epoch in record["epochs"]) < 0.5 * record["seconds"]


def test_child_processes_count() -> None:
    watch = Stopwatch()
    began = cpu_seconds()
    subprocess.run(["python3", "-c", "import time\nwhile time.process_time() < 0.3: pass"], check=True)
    assert watch.cpu_seconds >= 0.25
    assert watch.cpu_seconds == pytest.approx(cpu_seconds() - began, abs=0.1)


def test_a_run_that_goes_on_adds_what_it_took_before(digits: Path, tmp_path: Path) -> None:
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 0.25
        return now

    dataset = training.open_dataset(digits)
    with pytest.raises(KeyboardInterrupt):
        training.train(dataset, tmp_path / "run", LENET, threads=1, clock=clock, observer=_Notes(interrupt_after=2))
    first = Run(tmp_path / "run").record
    now = 1000.0
    run = training.train(dataset, tmp_path / "run", LENET, threads=1, clock=clock)
    assert first.seconds
    assert first.cpu_seconds
    assert run.record.seconds
    assert run.record.cpu_seconds
    assert first.seconds < run.record.seconds < first.seconds + now - 1000
    assert run.record.cpu_seconds > first.cpu_seconds


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_training_says_which_command_goes_on(
    digits: Path, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    arguments = ("train", str(digits), "--out", str(tmp_path / "a run"), *_LENET[:3], "--epochs", "4000", "--threads=1")
    with subprocess.Popen([str(TRIPTYCH), *arguments], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        lines = []
        for line in process.stderr:
            lines.append(line)
            if line.startswith("epoch    2/"):
                break
        process.send_signal(number)
        rest = process.stderr.read()
        assert process.wait(60) == status
    last = rest.splitlines()[-1]
    assert last.endswith(
        f"of 4000 epochs are done; to go on: triptych train {digits} --out '{tmp_path}/a run' --architecture lenet5 "
        "--random --epochs 4000 --threads=1"
    )
    assert "Traceback" not in rest


def test_a_change_of_what_is_trained_is_explained() -> None:
    settings = defaults(architecture="efficientnet_lite0", has_weights=True)
    changes = {epoch: describe_change(settings, epoch=epoch) for epoch in range(settings.epochs)}
    assert [epoch for epoch, words in changes.items() if words] == [4, 8]
    assert changes[4] == (
        "from epoch 5 on the upper 50% of the layers below the head are trained as well (gradual): the training loss "
        "may jump, as it is measured with their dropout and batch statistics now; judge by the validation figures"
    )
    assert "all layers" in str(changes[8])
    full = settings.model_copy(update={"strategy": "full"})
    assert not any(describe_change(full, epoch=epoch) for epoch in range(full.epochs))


def test_a_gradual_training_tells_its_changes(digits: Path, tmp_path: Path) -> None:
    notes = _Notes()
    settings = LENET.model_copy(update={"strategy": "gradual"})
    training.train(training.open_dataset(digits), tmp_path / "run", settings, threads=1, observer=notes)
    assert [words.partition(" on ")[0] for words in notes.notes] == ["from epoch 2", "from epoch 3"]
