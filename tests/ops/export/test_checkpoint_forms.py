"""Checkpoints as trainers write them: each is loaded with the right tensors, or refused with what it holds."""

import argparse
import contextlib
import json
import pickle
import struct
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from timm.utils.checkpoint_saver import CheckpointSaver
from timm.utils.model_ema import ModelEmaV3
from torch import nn
from torch.optim.swa_utils import AveragedModel

from triptych_ops import export
from triptych_ops.builder import evidence
from triptych_ops.errors import MissingError, OpsError, RefusedError, UsageError
from triptych_ops.export.checkpoint import read_checkpoint

from .conftest import TINY, random_network

State = Mapping[str, torch.Tensor]
CLASSES = ("cat", "dog", "fish")


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return random_network(TINY, classes=3)


@pytest.fixture(scope="module")
def averaged() -> nn.Module:
    """The same network with other weights."""
    other = random_network(TINY, classes=3)
    for tensor in other.state_dict().values():
        if tensor.is_floating_point():
            tensor.mul_(0.5)
    return other


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(CLASSES))
    return path


class Held(nn.Module):
    """A network that holds another as `name`, as Lightning modules and wrappers do."""

    def __init__(self, **held: nn.Module) -> None:
        super().__init__()
        for name, network in held.items():
            self.add_module(name, network)


def compiled(network: nn.Module) -> nn.Module:
    """As training scripts compile a network; nothing is compiled before it is called."""
    made: nn.Module = torch.compile(network)  # type: ignore[assignment]
    return made


def prefixed(state: State, prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + name: tensor for name, tensor in state.items()}


def settings() -> argparse.Namespace:
    return argparse.Namespace(model="resnet18", lr=0.1, output_dir=PurePosixPath("/runs"), opt_betas=[0.9, 0.999])


def lightning(state: State) -> dict[str, Any]:
    """As `Trainer.save_checkpoint` of PyTorch Lightning 2 lays it out."""
    return {
        "epoch": 3,
        "global_step": 120,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": state,
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 4}}}},
        "callbacks": {"ModelCheckpoint{'monitor': 'val_loss'}": {"best_model_score": torch.tensor(0.3)}},
        "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 0.1}]}],
        "lr_schedulers": [],
        "hparams_name": "kwargs",
        "hyper_parameters": {"lr": 0.1},
    }


def reference_of_torchvision(network: nn.Module) -> dict[str, Any]:
    """As `references/classification/train.py` saves it."""
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    return {
        "model": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "lr_scheduler": {"last_epoch": 3},
        "epoch": 3,
        "args": settings(),
    }


FORMS: dict[str, Callable[[nn.Module], Any]] = {
    "bare": lambda net: net.state_dict(),
    "DataParallel": lambda net: nn.DataParallel(net).state_dict(),
    "torch.compile": lambda net: compiled(net).state_dict(),
    "compile over DataParallel": lambda net: compiled(nn.DataParallel(net)).state_dict(),
    "DataParallel over compile": lambda net: nn.DataParallel(compiled(net)).state_dict(),
    "twice wrapped, both orders": lambda net: prefixed(net.state_dict(), "_orig_mod.module._orig_mod.module."),
    "a compiled part": lambda net: {
        name.replace("layer1.", "layer1._orig_mod."): tensor for name, tensor in net.state_dict().items()
    },
    "FSDP": lambda net: {
        "_fsdp_wrapped_module." + name.replace("layer2.", "layer2._fsdp_wrapped_module."): tensor
        for name, tensor in net.state_dict().items()
    },
    "model_state_dict": lambda net: {"epoch": 3, "model_state_dict": net.state_dict(), "loss": 0.1},
    "net": lambda net: {"net": nn.DataParallel(net).state_dict(), "acc": 93.2, "epoch": 7},
    "any other key": lambda net: {"weights_of_the_best_epoch": net.state_dict(), "epoch": 7},
    "a key within a key": lambda net: {"checkpoint": {"model": {"state_dict": net.state_dict()}}},
    "Lightning": lambda net: lightning(Held(model=net).state_dict()),
    "Lightning, compiled": lambda net: lightning(Held(model=compiled(net)).state_dict()),
    "Lightning, of a backbone": lambda net: lightning(Held(net=Held(backbone=net)).state_dict()),
    "Lightning, with a weighted loss": lambda net: lightning(
        Held(model=net).state_dict() | {"criterion.weight": torch.ones(3)}
    ),
    "timm wrapper of transformers": lambda net: Held(timm_model=net).state_dict(),
    "averaged": lambda net: AveragedModel(net).state_dict(),
    "averaged, compiled": lambda net: AveragedModel(compiled(net)).state_dict(),
    "torchvision's train.py": reference_of_torchvision,
    "epoch beside the tensors": lambda net: {"epoch": 3, **net.state_dict()},
    "an accuracy of NumPy": lambda net: {"state_dict": net.state_dict(), "best_acc": np.float64(0.9)},
    "a path": lambda net: {"state_dict": net.state_dict(), "out": Path("/runs/1")},
}


@pytest.mark.parametrize(
    ("form", "legacy"), [*((form, False) for form in FORMS), ("bare", True), ("torchvision's train.py", True)]
)
def test_a_form_is_loaded(form: str, legacy: bool, network: nn.Module, labels: Path, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pth.tar"
    torch.save(FORMS[form](network), path, _use_new_zipfile_serialization=not legacy)
    assert_same(export.load(TINY, weights=path, labels=labels), network)


def assert_same(weights: export.Weights, network: nn.Module) -> None:
    """The loaded weights are the network's own, tensor for tensor."""
    expected = network.state_dict()
    head = {name.rpartition(".")[2]: tensor for name, tensor in expected.items() if name.startswith("fc.")}
    assert head.keys() == weights.head.state_dict().keys()
    found = {**weights.backbone.state_dict(), **prefixed(weights.head.state_dict(), "fc.")}
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name


@pytest.mark.parametrize("prefix", ["", "timm_model.", "_orig_mod.module.", "model."])
@pytest.mark.parametrize(
    ("name", "as_safetensors"), [("model.bin", True), ("model.pt", True), ("model.safetensors", False), ("model", True)]
)
def test_a_file_is_what_its_bytes_are_not_what_its_suffix_says(
    name: str, as_safetensors: bool, prefix: str, network: nn.Module, labels: Path, tmp_path: Path
) -> None:
    state = prefixed(network.state_dict(), prefix)
    if as_safetensors:
        safetensors.torch.save_file(state, tmp_path / name)
    else:
        torch.save(state, tmp_path / name)
    assert_same(export.load(TINY, weights=tmp_path / name, labels=labels), network)


def timm_checkpoint(folder: Path, network: nn.Module, averaged: nn.Module) -> Path:
    """What timm's own train.py writes: its CheckpointSaver, with the arguments and an exponential moving average."""
    ema = ModelEmaV3(network)
    ema.module.load_state_dict(averaged.state_dict())
    saver = CheckpointSaver(  # type: ignore[no-untyped-call]
        network,
        torch.optim.SGD(network.parameters(), lr=0.1),
        args=settings(),
        model_ema=ema,
        checkpoint_dir=str(folder),
        recovery_dir=str(folder),
    )
    saver.save_checkpoint(3, metric=0.9)  # type: ignore[no-untyped-call]
    return folder / "last.pth.tar"


def test_timms_own_checkpoint_gives_the_averaged_weights_and_says_so(
    network: nn.Module, averaged: nn.Module, labels: Path, tmp_path: Path
) -> None:
    path = timm_checkpoint(tmp_path, network, averaged)
    found = export.load(TINY, weights=path, labels=labels)
    assert_same(found, averaged)
    assert found.key == evidence.weights_source(found).key == "state_dict_ema"  # in the release's manifest
    (note,) = found.notes
    assert "holds state_dict and state_dict_ema; state_dict_ema is taken" in note
    assert "--weights-key state_dict takes the others" in note
    raw = export.load(TINY, weights=path, labels=labels, key="state_dict")
    assert_same(raw, network)
    assert (raw.key, raw.notes) == ("state_dict", ())


@pytest.mark.parametrize(
    "made",
    [
        # torchvision's references, whose average is an AveragedModel
        lambda net, ema: {"model": net.state_dict(), "model_ema": AveragedModel(ema).state_dict(), "args": settings()},
        lambda net, ema: lightning(Held(model=net, ema_model=Held(module=ema)).state_dict()),
        lambda net, ema: {"net": net.state_dict(), "swa": prefixed(ema.state_dict(), "module.")},
        lambda net, ema: Held(student=net, ema=ema).state_dict(),
    ],
    ids=["torchvision", "Lightning", "swa", "one state dict"],
)
def test_averaged_weights_are_taken_before_others(
    made: Callable[[nn.Module, nn.Module], Any], network: nn.Module, averaged: nn.Module, labels: Path, tmp_path: Path
) -> None:
    torch.save(made(network, averaged), tmp_path / "weights.pth")
    found = export.load(TINY, weights=tmp_path / "weights.pth", labels=labels)
    assert_same(found, averaged)
    other = found.notes[0].rpartition("--weights-key ")[2].removesuffix(" takes the others")
    assert_same(export.load(TINY, weights=tmp_path / "weights.pth", labels=labels, key=other), network)


def test_several_that_fit_are_listed_with_the_option_that_names_one(
    network: nn.Module, averaged: nn.Module, labels: Path, tmp_path: Path
) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"student": network.state_dict(), "teacher": averaged.state_dict()}, path)
    with pytest.raises(UsageError, match=r"holds student and teacher, which all fit .*; name one with --weights-key"):
        export.load(TINY, weights=path, labels=labels)
    assert_same(export.load(TINY, weights=path, labels=labels, key="teacher"), averaged)
    with pytest.raises(MissingError, match=r"no weights under the key 'tutor'; it holds student \(.*\), teacher \("):
        export.load(TINY, weights=path, labels=labels, key="tutor")


def test_what_is_beside_the_network_is_told(network: nn.Module, labels: Path, tmp_path: Path) -> None:
    torch.save(FORMS["Lightning, with a weighted loss"](network), tmp_path / "weights.ckpt")
    found = export.load(TINY, weights=tmp_path / "weights.ckpt", labels=labels)
    assert found.key == "state_dict.model"
    (note,) = found.notes
    assert note.endswith("tensors beside state_dict.model are passed over, 1, the first is criterion.weight")


def test_where_nothing_fits_the_message_lists_what_the_file_holds(
    network: nn.Module, labels: Path, tmp_path: Path
) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"encoder": {"conv.weight": torch.ones(2)}, "decoder": {"out.weight": torch.ones(2)}}, path)
    with pytest.raises(RefusedError) as raised:
        export.load(TINY, weights=path, labels=labels)
    message = str(raised.value)
    assert "tensors are missing" in message
    assert "it holds encoder (1 tensors, first conv.weight), decoder (1 tensors, first out.weight)" in message
    assert message.endswith("--weights-key names one of them")
    state = dict(network.state_dict())
    del state["fc.bias"]
    torch.save({"state_dict": prefixed(state, "module.model.")}, path)
    with pytest.raises(
        RefusedError, match=r"under state_dict.module.model: 1 of \d+ tensors are missing, first fc.bias"
    ):
        export.load(TINY, weights=path, labels=labels)


def pointer(path: Path) -> None:
    oid = "a" * 64
    path.write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 21441905\n")


def a_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "hello")


def numpy_archive(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, weight=np.ones(2))


def torchscript(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated, and still lies about
        torch.jit.script(nn.Linear(2, 2)).save(str(path))  # type: ignore[no-untyped-call]


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "git-LFS pointer": (pointer, "is a git-LFS pointer to 21,441,905 bytes of weights, .* `git lfs pull`"),
    "web page": (lambda path: path.write_text("<!DOCTYPE html><title>Sign in</title>"), "is a web page"),
    "JSON": (lambda path: path.write_text('{"weight_map": {}}'), "is JSON"),
    "text": (lambda path: path.write_text("hello"), "is text"),
    "nothing": (lambda path: path.write_bytes(b""), "is empty"),
    "Keras": (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64)), "is an HDF5 file, as Keras"),
    "gzip": (lambda path: path.write_bytes(b"\x1f\x8b\x08" + bytes(64)), "compressed with gzip"),
    "NumPy": (numpy_archive, "zip archive without a checkpoint of torch; it holds 'weight.npy'"),
    "zip": (a_zip, "zip archive without a checkpoint of torch; it holds 'notes.txt'"),
    "TorchScript": (
        torchscript,
        "is a TorchScript archive, which is a program; save the network's state_dict",
    ),
    "a whole network": (
        lambda path: torch.save(nn.Sequential(nn.Linear(2, 2)), path),
        r"needs torch.nn.modules.container.Sequential, .*, which could run code and is not loaded; save",
    ),
    "unknown": (lambda path: path.write_bytes(bytes(range(128, 256))), "of an unknown format"),
    "settings alone": (lambda path: torch.save({"args": settings(), "epoch": 3}, path), "its keys are 'args', 'epoch'"),
    "half a safetensors": (
        lambda path: path.write_bytes(safetensors.torch.save({"a": torch.ones(9)})[:40]),
        "is damaged or no safetensors file",
    ),
}


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("form", REFUSED)
def test_a_form_is_refused_with_what_it_is(form: str, suffix: str, tmp_path: Path) -> None:
    write, words = REFUSED[form]
    path = tmp_path / f"weights{suffix}"
    write(path)
    with pytest.raises(RefusedError, match=words) as raised:
        read_checkpoint(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


class Runs:
    """Runs a function when it is unpickled."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.call[0], tuple(self.call[1:])


def text(value: str) -> bytes:
    """The opcode of a string."""
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


NAMESPACE = b"cargparse\nNamespace\n"
# Each touches the canary where a pickle is trusted, by way of a class of settings that checkpoints may hold.
GADGETS: dict[str, Callable[[str], bytes]] = {
    "a call for an attribute": lambda canary: (
        NAMESPACE + b")\x81}" + text("out") + b"cbuiltins\nopen\n(" + text(canary) + text("w") + b"tRsb."
    ),
    "a call for an argument": lambda canary: NAMESPACE + b"(cbuiltins\nopen\n(" + text(canary) + text("w") + b"tRtR.",
    "an attribute that the next state calls": lambda canary: (
        NAMESPACE + b")\x81}" + text("__setstate__") + b"cbuiltins\nexec\nsb" + text(f"open({canary!r}, 'w')") + b"b."
    ),
    "a function of the class's module": lambda canary: b"cargparse\n_os.system\n(" + text(f"touch {canary}") + b"tR.",
    "a function of a module": lambda canary: b"cposix\nsystem\n(" + text(f"touch {canary}") + b"tR.",
}


def saved(body: bytes, path: Path) -> None:
    """Write an archive as torch does, with this pickle in it."""
    plain = path.with_suffix(".plain")
    torch.save({"layer.weight": torch.ones(2)}, plain)
    with zipfile.ZipFile(plain) as archive, zipfile.ZipFile(path, "w") as made:
        for item in archive.infolist():
            made.writestr(
                item.filename, b"\x80\x02" + body if item.filename.endswith("data.pkl") else archive.read(item)
            )


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of the attack, which closes no file
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("gadget", GADGETS)
def test_settings_open_no_way_to_code(gadget: str, tmp_path: Path) -> None:
    canary, path = tmp_path / "canary", tmp_path / "weights.pth"
    body = GADGETS[gadget](str(canary))
    saved(body, path)
    with pytest.raises(RefusedError):
        read_checkpoint(path)
    path.write_bytes(b"\x80\x04" + body)
    with pytest.raises(RefusedError):
        read_checkpoint(path)
    assert not canary.exists()
    with contextlib.suppress(TypeError):  # the control: the bytes are a working attack
        pickle.loads(b"\x80\x04" + body)  # noqa: S301
    assert canary.exists()


def test_settings_cannot_shadow_what_is_called_next(tmp_path: Path) -> None:
    """A real Namespace in torch's allow-list would call whatever function its own attribute names."""
    path = tmp_path / "weights.pth"
    saved(NAMESPACE + b")\x81}" + text("__setstate__") + b"c_codecs\nencode\nsbK\x05b.", path)
    with torch.serialization.safe_globals([argparse.Namespace]), pytest.raises(TypeError, match="encode"):
        torch.load(path, weights_only=True)
    with pytest.raises(RefusedError, match="it holds settings alone"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    "where",
    [
        lambda evil: argparse.Namespace(output=evil),
        lambda evil: {"args": argparse.Namespace(), "callbacks": [evil]},
        lambda evil: [PurePosixPath("/runs"), np.float64(0.9), evil],
        lambda evil: argparse.Namespace(__setstate__=evil),
    ],
)
@pytest.mark.parametrize("legacy", [False, True])
def test_a_hostile_pickle_within_settings_is_refused_and_never_run(
    where: Callable[[object], object], legacy: bool, tmp_path: Path
) -> None:
    canary, path = tmp_path / "canary", tmp_path / "weights.pth"
    payload = {"layer.weight": torch.ones(2), "args": where(Runs(Path.touch, canary))}
    torch.save(payload, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(RefusedError):
        read_checkpoint(path)
    assert not canary.exists()
    torch.load(path, weights_only=False)  # the control: it runs where it is trusted
    assert canary.exists()


def test_settings_are_neither_imported_nor_kept(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"state_dict": {"weight": torch.ones(2)}, "args": settings()}, path)
    before = set(torch.serialization.get_safe_globals())
    read_checkpoint(path)
    # Other loads of this process stay as strict as they were.
    assert set(torch.serialization.get_safe_globals()) == before
    with pytest.raises(pickle.UnpicklingError, match=r"argparse\.Namespace"):
        torch.load(path, weights_only=True)


@pytest.mark.parametrize(
    ("name", "error"), [("none.pth", MissingError), ("folder.pth", UsageError)], ids=["missing", "folder"]
)
def test_no_file_is_one_line(tmp_path: Path, name: str, error: type[OpsError]) -> None:
    (tmp_path / "folder.pth").mkdir()
    with pytest.raises(error, match=name):
        read_checkpoint(tmp_path / name)


def test_a_network_of_one_output_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(random_network(TINY, classes=1).state_dict(), path)
    (tmp_path / "labels.txt").write_text("yes\n")
    with pytest.raises(RefusedError, match="gives one number an image, and a single class cannot be ranked"):
        export.load(TINY, weights=path, labels=tmp_path / "labels.txt")
