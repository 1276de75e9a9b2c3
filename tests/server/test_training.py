"""From a folder of images to served answers: train, build, serve, classify every test image."""

import json
import shutil
from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.torch import save_file

from commands import Serving, triptych
from ops.training.digits import write_digits
from triptych import Classification, Client
from triptych_ops.release import Store
from triptych_ops.training import Run, load_model, open_dataset, probabilities

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """LeNet-5, trained by the command on 400 digits that lie in a TFRecord file."""
    folder = tmp_path_factory.mktemp("training")
    images = write_digits(folder / "digits", each=40)
    converted = triptych("data", "convert", images, folder / "digits.tfrecord")
    assert converted.returncode == 0, converted.stderr
    trained = triptych(
        *("train", folder / "digits.tfrecord", "--out", folder / "run", "--architecture", "lenet5"),
        *("--epochs", "20", "--learning-rate", "0.003", "--json"),
    )
    assert trained.returncode == 0, trained.stderr
    document = json.loads(trained.stdout)
    assert document["images"] == {"train": 240, "validation": 80, "test": 80}
    assert document["test_accuracy"] > 0.85
    return Run.load(folder / "run")


def test_what_is_served_is_what_was_trained(run: Run, tmp_path: Path) -> None:
    built = triptych("build", "--run", run.path, "--store", tmp_path / "store", "--json")
    assert built.returncode == 0, built.stderr
    training = json.loads(built.stdout)["training"]
    assert training["served_accuracy"] == training["offline_accuracy"] == run.record.test_accuracy
    assert Store(tmp_path / "store").release("1").manifest.training is not None

    test = run.part("test")
    offline = probabilities(load_model(run), test).argmax(axis=1)
    with Serving(tmp_path / "store", tmp_path) as serving, Client(serving.ports.grpc_url) as client:
        answers = list(client.classify_many([sample.read() for sample in test.samples]))
        evaluated = triptych(
            "evaluate", run.path, "--url", serving.ports.grpc_url, "--json", "--out", tmp_path / "report"
        )
        other = triptych("evaluate", _altered(run, tmp_path / "other"), "--url", serving.ports.http_url, "--json")
    assert evaluated.returncode == 0, evaluated.stderr
    document = json.loads(evaluated.stdout)
    served, own, machine = document["models"]
    assert served["accuracy"] == own["accuracy"] == run.record.test_accuracy
    assert served["confusion"] == own["confusion"]
    assert document["served"]["agreement"]["share"] == 1
    assert "release 1, served" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert other.returncode == 4  # the control: a network that is not the one served
    assert "the first that differs is" in other.stderr
    print(f"SVM on HOG {machine['accuracy']:.2%} beside it")
    tops = [answer.top for answer in answers if isinstance(answer, Classification)]
    assert [top.class_id for top in tops] == list(offline)
    assert [top.label for top in tops] == [run.classes[index] for index in offline]
    right = sum(top.class_id == sample.label for top, sample in zip(tops, test.samples, strict=True))
    print(f"served {right}/{len(tops)} right, offline {run.record.test_accuracy:.2%}")
    assert right / len(tops) == run.record.test_accuracy


def _altered(run: Run, folder: Path) -> Path:
    """The run with another network: the rows of its last layer in another order."""
    shutil.copytree(run.path, folder)
    altered = Run(folder)
    with safe_open(altered.weights_file, "pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  no mapping
    last = next(name for name in reversed(tensors) if tensors[name].shape == (10,))
    tensors[last] = tensors[last].roll(1) + 5 * (tensors[last].argsort() == 0)
    save_file(tensors, altered.weights_file, metadata)
    return folder


def test_a_run_whose_images_have_changed_builds_nothing(run: Run, tmp_path: Path) -> None:
    """What the gate catches: a test image that is not the one that was measured on."""
    moved = triptych("data", "convert", run.record.dataset, tmp_path / "digits")
    assert moved.returncode == 0, moved.stderr
    copy = tmp_path / "run"
    copy.mkdir()
    record = run.record.model_copy(update={"dataset": str(tmp_path / "digits")})
    Run(copy).write_record(record)
    for file in (run.split_file, run.weights_file):
        (copy / file.name).write_bytes(file.read_bytes())
    names = run.split.test
    (tmp_path / "digits" / names[0]).write_bytes((tmp_path / "digits" / names[1]).read_bytes())
    assert len(open_dataset(tmp_path / "digits")) == 400
    evaluated = triptych("evaluate", copy)
    assert evaluated.returncode == 4
    assert f"{names[0]!r}" in evaluated.stderr
    built = triptych("build", "--run", copy, "--store", tmp_path / "store")
    assert built.returncode == 4
    assert f"{names[0]!r}" in built.stderr
    assert "is not what" in built.stderr
    assert not list((tmp_path / "store" / "releases").glob("*"))


def test_a_run_brings_its_own_network(run: Run, tmp_path: Path) -> None:
    built = triptych("build", "--run", run.path, "--architecture", "resnet18", "--store", tmp_path)
    assert (built.returncode, built.stdout) == (2, "")
    assert "leave --architecture out, or --run" in built.stderr


def test_the_articles_case_goes_all_the_way(tmp_path: Path) -> None:
    """ResNet-18 as the article has it, for an epoch instead of 25."""
    images = write_digits(tmp_path / "digits", each=10, classes=3)
    trained = triptych("train", images, "--preset", "article", "--epochs", 1, "--out", tmp_path / "run", "--json")
    assert trained.returncode == 0, trained.stderr
    document = json.loads(trained.stdout)
    assert document["architecture"] == "resnet18"
    assert (document["preprocessing"]["resize"], document["preprocessing"]["crop"]) == (256, 224)
    built = triptych("build", "--run", tmp_path / "run", "--store", tmp_path / "store", "--json")
    assert built.returncode == 0, built.stderr
    training = json.loads(built.stdout)["training"]
    assert training["served_accuracy"] == training["offline_accuracy"] == document["test_accuracy"]
    evaluated = triptych("evaluate", tmp_path / "run", "--release", 1, "--store", tmp_path / "store", "--json")
    assert evaluated.returncode == 0, evaluated.stderr
    assert json.loads(evaluated.stdout)["served"]["agreement"]["share"] == 1
    print(f"article, one epoch of 25 on 18 images: {document['test_accuracy']:.0%}, served the same")
