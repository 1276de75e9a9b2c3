"""A training that is killed, by a real SIGKILL at any moment, ends with the bits of one that is not."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import safetensors.torch
import torch

from commands import TRIPTYCH
from ops.training.digits import LENET
from triptych_ops import training
from triptych_ops.training import Run, checkpoint

_SETTINGS = ("--architecture", "lenet5", "--epochs", "6", "--augmentation", "light", "--balance", "oversample")


def _start(digits: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    command = [str(TRIPTYCH), "train", str(digits), "--out", str(out), "--threads", "1", "--json", *_SETTINGS, *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _finish(digits: Path, out: Path, *more: str) -> dict[str, object]:
    process = _start(digits, out, *more)
    answer, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    document: dict[str, object] = json.loads(answer)
    return document


def _without_times(document: dict[str, object]) -> dict[str, object]:
    epochs = document["epochs"]
    assert isinstance(epochs, list)
    kept = [{name: value for name, value in epoch.items() if "seconds" not in name} for epoch in epochs]
    return {name: value for name, value in document.items() if "seconds" not in name and name != "run"} | {
        "epochs": kept
    }


def _kill_when(process: subprocess.Popen[str], words: str, *, after_s: float) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(words):
            break
    else:
        raise AssertionError(f"it ended before it said {words!r}")
    time.sleep(after_s)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)


@pytest.fixture(scope="module")
def unharmed(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, object], Path]:
    folder = tmp_path_factory.mktemp("unharmed") / "run"
    return _finish(digits, folder), folder


def _require_same_bits(ours: Path, theirs: Path) -> None:
    tensors, expected = (safetensors.torch.load_file(folder / "model.safetensors") for folder in (ours, theirs))
    assert tensors.keys() == expected.keys()
    for name, tensor in tensors.items():
        assert torch.equal(tensor, expected[name]), name


def test_killed_at_three_moments_it_ends_with_the_same_bits(
    digits: Path, tmp_path: Path, unharmed: tuple[dict[str, object], Path]
) -> None:
    out = tmp_path / "run"
    for words, after_s in (("training", 0.0), ("epoch 2/", 0.03), ("epoch 4/", 0.0)):
        _kill_when(_start(digits, out), words, after_s=after_s)
    assert json.loads((out / "run.json").read_text())["status"] == "training"
    assert _without_times(_finish(digits, out)) == _without_times(unharmed[0])
    _require_same_bits(out, unharmed[1])
    assert sorted(path.name for path in out.iterdir()) == ["model.safetensors", "run.json", "split.json", "tensorboard"]


class _Interruption(training.Silent):
    """Ends a training after two epochs, as Ctrl-C does."""

    def epoch(self, epoch: training.Epoch, *, best: bool) -> None:
        del best
        if epoch.epoch == 2:
            raise KeyboardInterrupt


def test_a_checkpoint_without_the_optimiser_ends_with_other_bits(digits: Path, tmp_path: Path) -> None:
    """What the test above catches: whatever a checkpoint left out would show in the bits."""
    settings = LENET.model_copy(update={"epochs": 4})
    runs = []
    for name in ("whole", "forgetful"):
        with pytest.raises(KeyboardInterrupt):
            training.train(
                training.open_dataset(digits), tmp_path / name, settings, threads=1, observer=_Interruption()
            )
        run = Run(tmp_path / name)
        if name == "forgetful":
            position, network, _ = checkpoint.load(run.resume_file)
            checkpoint.save(run.resume_file, position, network, {})
        runs.append(training.train(training.open_dataset(digits), run.path, settings, threads=1))
    with pytest.raises(AssertionError):
        _require_same_bits(runs[0].path, runs[1].path)
