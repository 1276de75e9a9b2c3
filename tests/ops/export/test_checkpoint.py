"""Files of weights: every form that is read, and every one that is refused without being run."""

import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from triptych_ops.errors import MissingError, OpsError, RefusedError, UsageError
from triptych_ops.export.checkpoint import (
    ARCHITECTURE_KEY,
    LABELS_KEY,
    PREPROCESSING_KEY,
    read_checkpoint,
    write_safetensors,
)
from triptych_ops.export.state_choice import Expected, choose_state
from triptych_ops.preprocessing import Preprocessing

STATE = {"layer.weight": torch.arange(6.0).reshape(2, 3), "layer.bias": torch.ones(2), "steps": torch.tensor(7)}
EXPECTED = Expected(shapes={name: tensor.shape for name, tensor in STATE.items()}, head="head")
PREPROCESSING = Preprocessing(resize=72, crop=64, interpolation="bilinear", mean=[0.5] * 3, std=[0.5] * 3)


def chosen(path: Path) -> Mapping[str, torch.Tensor]:
    return choose_state(read_checkpoint(path), EXPECTED, key=None, title="a network").state


class Malicious:
    """Runs code when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.trace,)


@pytest.mark.parametrize(
    "wrap",
    [
        dict,
        OrderedDict,
        lambda state: {"state_dict": state, "epoch": 3, "best": 0.9},
        lambda state: {"model": state},
        lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
        lambda state: {"state_dict": {f"module.{name}": tensor for name, tensor in state.items()}},
        lambda state: {f"_orig_mod.{name}": tensor for name, tensor in state.items()},
    ],
)
def test_a_state_dict_is_found_as_training_scripts_keep_it(tmp_path: Path, wrap: Callable[..., Any]) -> None:
    torch.save(wrap(STATE), tmp_path / "weights.pth")
    state = chosen(tmp_path / "weights.pth")
    assert list(state) == list(STATE)
    assert all(torch.equal(state[name], STATE[name]) for name in STATE)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_other_floats_become_float32(tmp_path: Path, dtype: torch.dtype, suffix: str) -> None:
    path = tmp_path / f"weights{suffix}"
    state = {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in STATE.items()}
    safetensors.torch.save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    read = chosen(path)
    assert {tensor.dtype for tensor in read.values()} == {torch.float32, torch.int64}
    assert torch.equal(read["layer.weight"], STATE["layer.weight"])


def test_safetensors_say_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    shared = STATE | {"again": STATE["layer.bias"]}  # memory that two tensors share
    write_safetensors(path, shared, architecture="resnet18", preprocessing=PREPROCESSING, labels=["a", "ü"])
    checkpoint = read_checkpoint(path)
    assert set(checkpoint.entries[""]) == set(shared)
    assert checkpoint.metadata[ARCHITECTURE_KEY] == "resnet18"
    assert Preprocessing.model_validate_json(checkpoint.metadata[PREPROCESSING_KEY]) == PREPROCESSING
    assert checkpoint.metadata[LABELS_KEY] == '["a", "ü"]'


@pytest.mark.parametrize("protocol_of_torch", [True, False])
def test_a_malicious_pickle_is_refused_and_never_run(tmp_path: Path, protocol_of_torch: bool) -> None:
    trace, path = tmp_path / "it-ran", tmp_path / "weights.pth"
    payload = {"layer.weight": STATE["layer.weight"], "extra": Malicious(trace)}
    if protocol_of_torch:
        torch.save(payload, path)
    else:
        path.write_bytes(pickle.dumps({"extra": Malicious(trace)}))
    with pytest.raises(RefusedError) as raised:
        read_checkpoint(path)
    assert "\n" not in str(raised.value)
    assert not trace.exists()
    if protocol_of_torch:  # the control: this pickle runs where it is trusted
        torch.load(path, weights_only=False)
        assert trace.exists()


def _truncated(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize(
    "harm", [_truncated, lambda path: path.write_bytes(b""), lambda path: path.write_text("hello")]
)
def test_a_damaged_file_is_refused(tmp_path: Path, suffix: str, harm: Callable[[Path], None]) -> None:
    path = tmp_path / f"weights{suffix}"
    safetensors.torch.save_file(STATE, path) if suffix == ".safetensors" else torch.save(STATE, path)
    read_checkpoint(path)
    harm(path)
    with pytest.raises(RefusedError) as raised:
        read_checkpoint(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"epoch": 3}, "holds no state dict"),
        ({}, "holds no state dict"),
        (torch.ones(3), "holds no state dict"),
        (STATE | {"layer.bias": torch.tensor([1.0, torch.nan])}, "not finite, first in layer.bias"),
        (STATE | {"layer.bias": torch.tensor([1.0, torch.inf])}, "not finite, first in layer.bias"),
    ],
)
def test_what_is_no_set_of_finite_weights_is_refused(tmp_path: Path, content: object, words: str) -> None:
    path = tmp_path / "weights.pth"
    torch.save(content, path)
    with pytest.raises(RefusedError, match=words):
        chosen(path)


@pytest.mark.parametrize(("name", "error"), [("none.pth", MissingError), ("folder.pth", UsageError)])
def test_no_file_is_no_traceback(tmp_path: Path, name: str, error: type[OpsError]) -> None:
    (tmp_path / "folder.pth").mkdir()
    with pytest.raises(error, match=name):
        read_checkpoint(tmp_path / name)
