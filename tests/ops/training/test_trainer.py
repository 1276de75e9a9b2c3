"""What a training leaves behind, and what it refuses."""

import errno
import io
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image
from safetensors import safe_open
from torchvision import transforms

from ops.training.digits import LENET
from small_disk import needs_root, small_disk
from triptych_ops import export, training
from triptych_ops.errors import RefusedError, UsageError
from triptych_ops.training import Run, Settings, checkpoint
from triptych_ops.training.holding import held
from triptych_ops.training.inputs import Inputs
from triptych_ops.training.run import Epoch
from triptych_ops.training.selection import best_epoch, stopped


def _epoch(number: int, *, loss: float, accuracy: float = 0.5) -> Epoch:
    return Epoch(
        epoch=number,
        learning_rate=1e-3,
        train_loss=1,
        train_accuracy=0.5,
        validation_loss=loss,
        validation_accuracy=accuracy,
        seconds=1,
        cpu_seconds=1,
    )


def test_a_run_holds_its_figures_and_its_network(run: Run) -> None:
    record = Run.load(run.path).require_done()
    assert record.images == {"train": 72, "validation": 24, "test": 24}
    assert len(record.epochs) == 3
    assert record.epochs[2].train_loss < record.epochs[0].train_loss
    model = training.load_model(run)
    assert model.labels == ("0", "1", "2", "3")
    test = run.part("test")
    found = training.probabilities(model, test)
    right = found.argmax(axis=1) == [sample.label for sample in test.samples]
    assert float(np.mean(right)) == record.test_accuracy
    assert record.test_accuracy is not None
    assert record.test_accuracy > 0.5  # of four classes


def test_what_is_evaluated_is_what_the_reference_of_a_build_sees(run: Run) -> None:
    test = run.part("test")
    model = training.load_model(run)
    paths = [sample.path for sample in test.samples if sample.path]
    np.testing.assert_allclose(
        training.probabilities(model, test), export.Reference(model).probabilities(paths), atol=1e-6
    )


def test_the_same_training_twice_gives_the_same_bits(run: Run, digits: Path, tmp_path: Path) -> None:
    again = training.train(training.open_dataset(digits), tmp_path / "run", LENET, threads=1)
    assert again.weights_file.read_bytes() == run.weights_file.read_bytes()
    assert again.split_file.read_bytes() == run.split_file.read_bytes()


def test_a_done_training_is_not_done_again(run: Run, digits: Path) -> None:
    before = run.record_file.read_bytes()
    training.train(training.open_dataset(digits), run.path, LENET)
    assert run.record_file.read_bytes() == before


def test_other_settings_are_no_continuation(run: Run, digits: Path) -> None:
    with pytest.raises(UsageError, match=r"a finished training with batch_size 32, not 16; repeat its settings"):
        training.train(training.open_dataset(digits), run.path, LENET.model_copy(update={"batch_size": 16}))


def test_a_folder_of_something_else_is_left_alone(digits: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UsageError, match=r"holds something else, 'thesis.tex'"):
        training.train(training.open_dataset(digits), tmp_path, LENET)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_two_processes_do_not_train_in_one_folder(digits: Path, tmp_path: Path) -> None:
    with held(tmp_path / "run"), pytest.raises(RefusedError, match="another process trains in"):
        training.train(training.open_dataset(digits), tmp_path / "run", LENET)


def test_a_training_that_diverges_says_so(digits: Path, tmp_path: Path) -> None:
    settings = LENET.model_copy(update={"learning_rate": 1e38, "optimizer": "sgd"})
    with pytest.raises(RefusedError, match=r"diverges; lower --learning-rate"):
        training.train(training.open_dataset(digits), tmp_path / "run", settings)


def test_a_size_that_the_network_does_not_take_is_refused(digits: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lenet5 takes no images of 64 pixels; leave --image-size out"):
        training.train(training.open_dataset(digits), tmp_path / "run", LENET.model_copy(update={"image_size": 64}))


def test_an_exact_size_is_what_the_network_is_trained_on_and_keeps(digits: Path, tmp_path: Path) -> None:
    settings = LENET.model_copy(update={"resize": (32, 48), "interpolation": "bicubic", "epochs": 1})
    run = training.train(training.open_dataset(digits), tmp_path / "run", settings, threads=1)
    for record in (run.record, Run.load(run.path).record):
        assert record.settings == settings
        assert (record.preprocessing.resize, record.preprocessing.crop) == ((32, 48), 32)
        assert record.preprocessing.interpolation == "bicubic"
    inputs = Inputs(run.part("test"), run.record.preprocessing, augmentation="none")
    sample = run.part("test").samples[0]
    resize = transforms.Resize((32, 48), transforms.InterpolationMode.BICUBIC)
    by_hand = transforms.Compose([resize, transforms.CenterCrop(32), transforms.ToTensor()])
    expected = by_hand(Image.open(io.BytesIO(sample.read())).convert("RGB"))
    assert torch.allclose(inputs[(0, 0)][0] * 0.5 + 0.5, expected, atol=1e-6)
    with safe_open(run.weights_file, framework="pt") as file:
        assert json.loads(file.metadata()["triptych.preprocessing"])["resize"] == [32, 48]
    with pytest.raises(UsageError, match=r"with resize \(32, 48\), not 32"):
        training.train(training.open_dataset(digits), run.path, settings.model_copy(update={"resize": 32}))


@needs_root
def test_a_full_disk_loses_nothing(digits: Path, tmp_path: Path) -> None:
    """A checkpoint that finds no room leaves the one before as it was, and the training goes on from that."""
    settings = LENET.model_copy(update={"epochs": 2})
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    with small_disk(disk, size_bytes=1_600_000):  # one checkpoint has 0.75 MB, and replacing it takes another
        with pytest.raises(OSError, match=r"resume\.safetensors") as raised:
            training.train(training.open_dataset(digits), disk / "run", settings, threads=1)
        assert raised.value.errno == errno.ENOSPC
        assert not list((disk / "run").glob("*.partial"))
        shutil.copytree(disk / "run", kept)
    position, _, _ = checkpoint.load(Run(kept).resume_file)
    assert len(position.epochs) == 1
    training.train(training.open_dataset(digits), kept, settings, threads=1)
    whole = training.train(training.open_dataset(digits), tmp_path / "whole", settings, threads=1)
    assert Run(kept).weights_file.read_bytes() == whole.weights_file.read_bytes()


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    file = tmp_path / "resume.safetensors"
    tensors = {"network:w": torch.zeros(2)}
    file.write_bytes(safetensors.torch.save(tensors))
    with pytest.raises(RefusedError, match=r"resume.safetensors is damaged, so the training cannot go on"):
        checkpoint.load(file)
    os.truncate(file, 5)
    with pytest.raises(RefusedError, match="is damaged"):
        checkpoint.load(file)


def test_the_best_epoch_is_the_most_accurate_then_the_surest_then_the_first() -> None:
    epochs = (
        _epoch(1, loss=0.1, accuracy=0.8),
        _epoch(2, loss=0.3, accuracy=0.9),
        _epoch(3, loss=0.2, accuracy=0.9),
        _epoch(4, loss=0.2, accuracy=0.9),
    )
    assert [best_epoch(epochs[:count]) for count in range(5)] == [None, 1, 2, 3, 3]


def test_it_stops_early_where_the_loss_no_longer_falls() -> None:
    losses = (0.5, 0.3, 0.4, 0.35, 0.36)
    epochs = tuple(_epoch(number, loss=loss) for number, loss in enumerate(losses, start=1))
    patient = Settings(epochs=9, patience=2)
    assert [stopped(epochs[:count], patient) for count in range(5)] == [False, False, False, False, True]
    assert not stopped(epochs, Settings(epochs=9))
    assert stopped(epochs, Settings(epochs=5))
