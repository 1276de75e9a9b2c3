"""Bad input that can be refused without torch is refused before torch is imported, which takes many seconds."""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from triptych_ops.preprocessing import Preprocessing
from triptych_ops.training import Run, RunRecord, Settings, Split, open_dataset

# Runs each row in a process of its own that was forked before anything was imported for it, so that rows neither see
# what others imported nor wait for the interpreter to start.
_CHILD = """
import io, json, os, sys
from triptych_ops.cli import run
for row in json.load(sys.stdin):
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        sys.argv = ["triptych", *row]
        sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
        try:
            status = run()
        except SystemExit as error:
            status = error.code
        except BaseException as error:
            status = repr(error)
        heavy = sorted({"torch", "torchvision", "timm"} & set(sys.modules))
        with os.fdopen(writer, "w") as pipe:
            json.dump([status, sys.stdout.getvalue(), sys.stderr.getvalue(), heavy], pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        print(pipe.read(), flush=True)
    os.wait()
"""

ROWS: list[tuple[str, int, str]] = [
    ("build --run nosuch", 3, "there is no run in nosuch"),
    ("build --run RUN --weights EMPTY", 2, "a run brings its own; leave --weights out"),
    ("build --run RUN --weights-key ema", 2, "a run brings its own; leave --weights-key out"),
    ("build --run DAMAGED", 4, "is text, neither safetensors nor a checkpoint of torch"),
    ("build --run UNDONE", 4, "has not ended"),
    ("build --run RUN --architecture resnet18", 2, "a run has its own network"),
    ("build --weights nosuch.pt", 3, "there is no file of weights nosuch.pt"),
    ("build --weights .", 2, ". is no file; name the file of weights itself"),
    ("build --weights EMPTY", 4, "is empty"),
    ("build --weights POINTER", 4, "is a git-LFS pointer"),
    ("build --weights ZIP", 4, "is a zip archive without a checkpoint"),
    ("build --weights LABELS", 4, "is text, neither safetensors nor"),
    ("build --weights-key ema", 2, "give the file with --weights"),
    ("build --architecture resnet9000", 3, "there is no architecture 'resnet9000'"),
    ("build --architecture timm:nosuch", 3, "there is no architecture 'timm:nosuch'"),
    ("build --architecture vit_b_16", 3, "there is no architecture 'vit_b_16'"),
    ("build --architecture resnet18", 2, "resnet18 comes without weights; give a file with --weights"),
    ("build --labels nosuch.txt", 3, "there is no file of labels nosuch.txt"),
    ("build --labels ONE", 4, "names one class, which cannot be ranked"),
    ("build --labels BLANK", 4, "label 1 is ''"),
    ("build --labels BINARY", 4, "is not UTF-8"),
    ("build --labels BAD.json", 4, "is no JSON"),
    ("build --labels LABELS --top-k 9", 2, "top-k 9 of 3 classes"),
    ("build --definition nosuch.json", 3, "there is no file nosuch.json"),
    ("build --definition BAD.json", 4, "is no preprocessing that a release can hold"),
    ("build --gate nosuch", 3, "there is no folder nosuch"),
    ("build --gate EMPTY", 2, "is no folder"),
    ("build --gate NOTHING", 3, "there is no image in"),
    ("build --calibration IMAGES", 2, "fp32 needs no calibration"),
    ("build --calibration IMAGES --precision int8", 2, "6 images in"),
    ("build --precision int4", 2, "'int4' is not one of"),
    ("build --top-k 0", 2, "0 is not in the range"),
    ("build --store EMPTY", 1, "Not a directory"),
    ("build --store gs://bucket", 2, "a store is a folder or s3://BUCKET/PREFIX"),
    ("train nosuch --out run", 3, "there is nothing at nosuch"),
    ("train EMPTY --out run", 2, "is of no known form"),
    ("train NOTHING --out run", 3, "class"),
    ("train IMAGES --out EMPTY", 2, "is no folder; name a new one with --out"),
    ("train IMAGES --out FULL", 2, "holds something else"),
    ("train IMAGES --out run --architecture lenet6", 3, "there is no architecture 'lenet6'"),
    ("train IMAGES --out run --architecture resnet18 --pretrained", 2, "resnet18 comes without weights"),
    ("train IMAGES --out run --architecture resnet18 --weights nosuch.pt", 3, "nosuch.pt"),
    ("train IMAGES --out run --architecture resnet18 --weights POINTER", 4, "is a git-LFS pointer"),
    ("train IMAGES --out run --weights-key ema", 2, "give the file with --weights"),
    ("train IMAGES --out run --weights nosuch.pt --random", 2, "leave one out"),
    ("train IMAGES --out run --shares 1:1", 2, "'1:1' divides no images"),
    ("train IMAGES --out run --split nosuch.json", 3, "there is no split file nosuch.json"),
    ("train IMAGES --out run --split BAD.json", 4, "is no split of images"),
    ("train IMAGES --out run --loss hinge", 2, "there is no loss 'hinge'"),
    ("train IMAGES --out run --loss focal --label-smoothing 0.1", 2, "label smoothing is of cross-entropy"),
    ("train IMAGES --out run --loss a:b --balance weights", 2, "takes no class weights"),
    ("train IMAGES --out run --teacher nosuch", 3, "there is no run in nosuch"),
    ("train IMAGES --out run --teacher DAMAGED", 4, "is text, neither safetensors nor"),
    ("train IMAGES --out run --teacher UNDONE", 4, "has not ended"),
    ("train IMAGES --out run --teacher OTHER", 2, "knows other classes"),
    ("train IMAGES --out run --temperature 2", 2, "are of a teacher"),
    ("train IMAGES --out run --preset nosuch", 2, "'nosuch' is not"),
    ("evaluate nosuch", 3, "there is no run in nosuch"),
    ("evaluate UNDONE", 4, "has not ended"),
    ("evaluate DAMAGED", 4, "is text, neither safetensors nor"),
    ("evaluate RUN --images nosuch", 3, "there is nothing at nosuch"),
    ("evaluate RUN --release 7 --store NOTHING", 3, "holds no release"),
    ("evaluate RUN --release 7 --url grpc://localhost", 2, "give one of them"),
    ("evaluate RUN --url ftp://localhost", 2, "the scheme must be"),
    ("evaluate RUN --out EMPTY", 2, "is no folder; name another with --out"),
    ("features nosuch --descriptor hog --out a.csv", 3, "there is nothing at nosuch"),
    ("features IMAGES --descriptor hog --out a.txt", 2, "is neither .csv nor .npz"),
    ("features IMAGES --descriptor hog --out nosuch/a.csv", 3, "there is no folder nosuch"),
    ("features IMAGES --out a.csv", 2, "nothing describes the images"),
    ("features IMAGES --descriptor lbp-top --descriptor hog --out a.csv", 2, "ask for it alone"),
    ("features IMAGES --deep nosuch --out a.csv", 3, "there is no run in nosuch"),
    ("features IMAGES --deep DAMAGED --out a.csv", 4, "is text, neither safetensors nor"),
    ("export nosuch --out a.onnx", 3, "there is no run in nosuch"),
    ("export UNDONE --out a.onnx", 4, "has not ended"),
    ("export RUN --out a.pb", 2, "is neither .onnx nor .tflite"),
    ("export RUN --out EMPTY.onnx", 2, "exists; name another file"),
    ("export RUN --out nosuch/a.onnx", 3, "there is no folder nosuch"),
    ("export RUN --out a.tflite", 2, "needs --converter"),
    ("export RUN --out a.tflite --converter nosuch", 3, "there is no Python at nosuch"),
    ("export DAMAGED --out a.onnx", 4, "is text, neither safetensors nor"),
    ("data check nosuch", 3, "there is nothing at nosuch"),
    ("data check IMAGES --split nosuch.json", 3, "there is no split file nosuch.json"),
    ("data convert nosuch a.tar", 3, "there is nothing at nosuch"),
    ("data convert IMAGES EMPTY", 2, "exists; name another"),
    ("data convert IMAGES a.xyz", 2, ".xyz is of no known form"),
    ("demo --store EMPTY", 1, "Not a directory"),
]


def _run(folder: Path, source: Path, *, done: bool, classes: tuple[str, ...]) -> None:
    """A run as `train` leaves it, but for the weights: an empty safetensors file, which no command here reads."""
    dataset = open_dataset(source)
    folder.mkdir()
    names = [sample.name for sample in dataset.samples]
    run = Run(folder)
    Split(
        seed=0,
        classes=dataset.classes,
        digests={sample.name: hashlib.sha256(sample.read()).hexdigest() for sample in dataset.samples},
        train=tuple(names[:4]),
        validation=tuple(names[4:5]),
        test=tuple(names[5:]),
    ).write(run.split_file)
    run.weights_file.write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    run.write_record(
        RunRecord(
            status="done" if done else "training",
            dataset=str(source),
            dataset_format="folder",
            settings=Settings(),
            architecture="resnet18",
            weights=None,
            preprocessing=Preprocessing(resize=8, crop=8, interpolation="bilinear", mean=[0.5] * 3, std=[0.5] * 3),
            classes=classes,
            images={"train": 4, "validation": 1, "test": 1},
            threads=1,
            device="cpu",
            toolchain={},
        )
    )


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[object, str, str, list[str]]]:
    """How each row ended: status, stdout, stderr, and which of the heavy packages were imported."""
    folder = tmp_path_factory.mktemp("inputs")
    for label in ("cat", "dog"):
        (folder / "IMAGES" / label).mkdir(parents=True)
        for number in range(3):
            colour = (number * 40, 100 if label == "cat" else 200, 50)
            Image.new("RGB", (16, 16), colour).save(folder / "IMAGES" / label / f"{number}.png")
    (folder / "NOTHING").mkdir()
    (folder / "FULL").mkdir()
    (folder / "FULL" / "thesis.txt").write_text("years of work")
    (folder / "EMPTY").write_bytes(b"")
    (folder / "EMPTY.onnx").write_bytes(b"")
    (folder / "ONE").write_text("yes\n")
    (folder / "BLANK").write_text("yes\n\nno\n")
    (folder / "LABELS").write_text("cat\ndog\nfish\n")
    (folder / "BINARY").write_bytes(b"caf\xe9\n")
    (folder / "BAD.json").write_text("{")
    (folder / "POINTER").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n")
    with zipfile.ZipFile(folder / "ZIP", "w") as archive:
        archive.writestr("notes.txt", "hello")
    for name, is_done, classes in (
        ("RUN", True, ("cat", "dog")),
        ("UNDONE", False, ("cat", "dog")),
        ("OTHER", True, ("x", "y")),
    ):
        _run(folder / name, folder / "IMAGES", done=is_done, classes=classes)
    _run(folder / "DAMAGED", folder / "IMAGES", done=True, classes=("cat", "dog"))
    Run(folder / "DAMAGED").weights_file.write_text("no weights")
    rows = [command.split() for command, _, _ in ROWS]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRIPTYCH_")}
    done = subprocess.run(
        [sys.executable, "-c", _CHILD],
        input=json.dumps(rows),
        capture_output=True,
        text=True,
        cwd=folder,
        env={**environment, "TRIPTYCH_STORE": str(folder / "store")},
        timeout=300,
        check=True,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {command: outcome for (command, _, _), outcome in zip(ROWS, found, strict=True)}


@pytest.mark.parametrize(("command", "status", "words"), ROWS, ids=[command for command, _, _ in ROWS])
def test_it_is_refused_without_torch_in_one_line(
    command: str, status: int, words: str, outcomes: dict[str, tuple[object, str, str, list[str]]]
) -> None:
    ended, stdout, stderr, heavy = outcomes[command]
    assert ended == status, stderr
    assert stdout == ""
    line = stderr.splitlines()[-1]
    assert line.startswith("triptych: ")
    assert words in line
    assert "Traceback" not in stderr
    assert heavy == []


def test_the_child_sees_torch_where_it_is_imported(tmp_path: Path) -> None:
    """The control: a command that reads weights imports torch, and the row says so."""
    (tmp_path / "weights.pth").write_bytes(b"\x80\x02}q\x00.")
    row = ["build", "--weights", "weights.pth", "--architecture", "resnet18", "--store", "store"]
    done = subprocess.run(
        [sys.executable, "-c", _CHILD],
        input=json.dumps([row]),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=300,
        check=True,
    )
    status, _, stderr, heavy = json.loads(done.stdout)
    assert (status, "torch" in heavy) == (4, True), stderr
