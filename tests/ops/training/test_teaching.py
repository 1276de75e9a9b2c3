"""A teacher's answers are learnt, also where the labels are wrong."""

from pathlib import Path

import pytest
import torch

from ops.training.digits import LENET, write_digits
from triptych_ops import training
from triptych_ops.errors import UsageError
from triptych_ops.training import Run
from triptych_ops.training.losses import imitation
from triptych_ops.training.teaching import taught_by

EPOCHS = 12


def test_who_answers_as_the_teacher_has_nothing_to_learn() -> None:
    taught = torch.tensor([[2.0, 0.0, -1.0], [0.0, 3.0, 0.0]])
    own = (taught + 5.0).requires_grad_()  # a constant a row changes no probability
    loss = imitation(own, taught, temperature=4.0)
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert own.grad is not None
    assert own.grad.abs().max().item() == pytest.approx(0, abs=1e-6)
    assert imitation(-taught, taught, temperature=4.0).item() > 0.1


def test_the_gradient_does_not_shrink_with_the_temperature() -> None:
    taught = torch.tensor([[1.0, 0.0, -1.0]])
    sizes = []
    for temperature in (4.0, 40.0):
        own = torch.zeros(1, 3, requires_grad=True)
        imitation(own, taught, temperature=temperature).backward()  # type: ignore[no-untyped-call]
        assert own.grad is not None
        sizes.append(own.grad.norm().item())
    assert sizes[0] == pytest.approx(sizes[1], rel=0.1)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """LeNet-5, trained on 30 pictures of each of four digits."""
    folder = tmp_path_factory.mktemp("teacher")
    images = training.open_dataset(write_digits(folder / "digits", each=30, classes=4))
    settings = LENET.model_copy(update={"epochs": EPOCHS})
    run = training.train(images, folder / "run", settings, threads=1)
    assert (run.record.test_accuracy or 0) > 0.85
    return run


def _mislabelled(folder: Path) -> Path:
    """The same pictures, each class a quarter of each digit: nothing can be learnt from the labels."""
    write_digits(folder, each=30, classes=4)
    for label in range(4):
        for index, path in enumerate(sorted((folder / str(label)).glob("*.png"))):
            target = folder / f".{(label + index) % 4}"
            target.mkdir(exist_ok=True)
            path.rename(target / path.name)
    for label in range(4):
        (folder / str(label)).rmdir()
        (folder / f".{label}").rename(folder / str(label))
    return folder


def test_a_teacher_is_imitated_whatever_the_labels_say(teacher: Run, tmp_path: Path) -> None:
    """The control learns from the labels, which say nothing."""
    wrong = training.open_dataset(_mislabelled(tmp_path / "wrong"))
    settings = LENET.model_copy(update={"epochs": EPOCHS, "teacher_weight": 1.0})
    taught = training.train(wrong, tmp_path / "taught", settings, teacher=teacher, threads=1)
    alone = training.train(wrong, tmp_path / "alone", settings, threads=1)
    part = teacher.part("test")
    found = {}
    for name, run in (("taught", taught), ("alone", alone)):
        answers = training.probabilities(training.load_model(run), part).argmax(axis=1)
        found[name] = sum(answer == sample.label for answer, sample in zip(answers, part.samples, strict=True)) / len(
            part
        )
    print(f"right with a teacher {found['taught']:.0%}, by labels that say nothing {found['alone']:.0%}")
    assert found["taught"] > 0.8
    assert found["alone"] < 0.6
    assert taught.record.settings.teacher is not None


def test_a_teacher_answers_for_each_image_in_order(teacher: Run) -> None:
    part = teacher.part("validation")
    taught = taught_by(teacher, part, training.Silent())
    expected = training.probabilities(training.load_model(teacher), part)
    assert torch.softmax(taught, dim=1).numpy() == pytest.approx(expected, abs=1e-6)


def test_a_teacher_of_other_classes_is_refused(teacher: Run, tmp_path: Path) -> None:
    images = training.open_dataset(write_digits(tmp_path / "three", each=10, classes=3))
    with pytest.raises(UsageError, match="knows other classes than"):
        training.train(images, tmp_path / "run", LENET, teacher=teacher)
    assert not (tmp_path / "run").exists()
