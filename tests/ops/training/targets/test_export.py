"""`triptych export`: a run's network as a file, held to torch's answers."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from commands import triptych
from triptych_ops.errors import RefusedError
from triptych_ops.training import Run
from triptych_ops.training.targets import parity, write_litert
from triptych_ops.training.targets.questions import questions_of

LITERT = os.environ.get("TRIPTYCH_TEST_LITERT")
"""Python of an environment with litert-torch, whose torch is gigabytes of its own."""

_GARBAGE = "#!/bin/sh\necho miau > $4\n"  # of `PYTHON -I litert_converter.py PROGRAM FILE`


def test_onnx_answers_as_torch_and_says_how_to_ask(run: Run, tmp_path: Path) -> None:
    done = triptych("export", run.path, "--out", tmp_path / "net.onnx", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["same_top1"] == told["images"] == len(run.split.test)
    model = onnx.load(tmp_path / "net.onnx")
    metadata = {each.key: each.value for each in model.metadata_props}
    assert json.loads(metadata["labels"]) == list(run.classes)
    assert json.loads(metadata["preprocessing"])["crop"] == run.record.preprocessing.crop
    asked = questions_of(run)
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    (logits,) = session.run(["LOGITS"], {"PIXELS": asked.pixels})
    assert (logits.argmax(axis=1) == asked.expected.argmax(axis=1)).all()


@pytest.mark.skipif(LITERT is None, reason="TRIPTYCH_TEST_LITERT names no Python with litert-torch")
def test_litert_answers_as_torch(run: Run, tmp_path: Path) -> None:
    found = write_litert(run, tmp_path / "net.tflite", python=Path(str(LITERT)))
    print(f"LiteRT: {found.same_top1} of {found.images} alike, within {found.score_max_difference:.1g}")
    assert found.same_top1 == found.images


def test_a_file_that_answers_otherwise_is_refused() -> None:
    expected = np.array([[0.7, 0.3], [0.4, 0.6]], np.float32)
    logits = np.log(expected)
    assert parity.agreement(logits, expected, file="f").same_top1 == 2
    for other in (logits[:, ::-1], logits * 0.99, np.full_like(logits, np.nan)):
        wrong = np.asarray(other, np.float32)
        with pytest.raises(RefusedError, match="f would not answer as torch"):
            parity.agreement(wrong, expected, file="f")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--out", "net.pb"), 2, "neither .onnx nor .tflite"),
        (("--out", "taken.onnx"), 2, "taken.onnx exists"),
        (("--out", "net.tflite"), 2, "needs --converter PYTHON"),
        (("--out", "net.tflite", "--converter", "nowhere"), 3, "there is no Python at nowhere"),
        (("--out", "net.tflite", "--converter", sys.executable), 3, "has no litert-torch"),
        (("--out", "net.tflite", "--converter", "./garbage"), 4, "LiteRT cannot read what litert-torch wrote"),
        (("--out", "net.tflite", "--converter", "/bin/true"), 4, "cannot convert the network"),
        (("--out", "no/net.onnx"), 3, "there is no folder no; make it first"),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], status: int, words: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "taken.onnx").touch()
    (tmp_path / "garbage").write_text(_GARBAGE)
    (tmp_path / "garbage").chmod(0o755)
    done = triptych("export", run.path, *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    assert words in done.stderr.splitlines()[-1]
    assert {path.name for path in tmp_path.iterdir()} == {"garbage", "taken.onnx"}
