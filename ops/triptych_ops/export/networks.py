"""Networks of torchvision, timm and the packaged architecture, with trained weights, in two halves."""

import re
import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import timm
import torch
import torchvision
from efficientnet_lite_pytorch import EfficientNet

from triptych_ops.errors import RefusedError

from .architectures import Architecture
from .checkpoint import Checkpoint
from .lenet import LeNet5
from .state_choice import Expected, choose_state

_SPLIT_TOLERANCE = 1e-5  # of the largest logit: both halves compute what the whole does

# torchvision's Inceptions rescale the input inside where they are published so, and train with side outputs
# that serving drops.
_SIDE_OUTPUTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"googlenet": ("aux1", "aux2"), "inception_v3": ("AuxLogits",)}
)
# DenseNets were published under names of an older torch, which torchvision's own loader mends.
_OLD_DENSENET = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedNetwork:
    """A network with the weights of a file, in inference mode."""

    network: torch.nn.Module
    head_name: str  # of the last linear layer, within the network
    classes: int
    key: str | None  # which weights of the file these are; None: all that it holds
    notes: tuple[str, ...]  # a line each that the user should know of


def load_network(
    architecture: Architecture, checkpoint: Checkpoint, *, of_torchvision: bool, key: str | None = None
) -> LoadedNetwork:
    """Make the network and give it the checkpoint's weights.

    The number of classes is the head's in the file. `of_torchvision`: torchvision published these weights.
    `key` names one of several sets of weights in the file, as `choose_state` has it.

    Raises:
        MissingError: the file has nothing under `key`.
        UsageError: several sets of weights fit, and none is named.
        RefusedError: the network ends in no linear layer, or the checkpoint is of another network.
    """
    options: dict[str, Any] = {}
    side_outputs: tuple[str, ...] = ()
    if architecture.library == "torchvision" and architecture.name in _SIDE_OUTPUTS:
        side_outputs = _SIDE_OUTPUTS[architecture.name]
        options = {"aux_logits": False, "transform_input": of_torchvision, "init_weights": False}
    make = _MAKERS[architecture.library]
    network = make(architecture.name, options)
    head_name = _head_name(architecture, network)
    expected = Expected(
        shapes={name: tensor.shape for name, tensor in network.state_dict().items()},
        head=head_name,
        dropped=side_outputs,
        rename=_renamed if architecture.name.startswith("densenet") else str,
    )
    chosen = choose_state(checkpoint, expected, key=key, title=architecture.title)
    classes = len(chosen.state[f"{head_name}.weight"])
    if classes != network.get_submodule(head_name).out_features:
        network = make(architecture.name, options | {"num_classes": classes})
    _fill(network, chosen.state)
    return LoadedNetwork(
        network=network.eval(), head_name=head_name, classes=classes, key=chosen.key, notes=chosen.notes
    )


def _renamed(name: str) -> str:
    return _OLD_DENSENET.sub(r"\1\2", name)


def new_network(architecture: Architecture, *, classes: int) -> tuple[torch.nn.Module, str]:
    """The network with random weights for so many classes, in inference mode, and the name of its head within it.

    Raises:
        RefusedError: the network ends in no linear layer.
    """
    options: dict[str, Any] = {"num_classes": classes}
    if architecture.library == "torchvision" and architecture.name in _SIDE_OUTPUTS:
        options |= {"aux_logits": False, "init_weights": True}
    network = _MAKERS[architecture.library](architecture.name, options)
    return network.eval(), _head_name(architecture, network)


def split(network: torch.nn.Module, head_name: str, *, side: int) -> tuple[torch.nn.Module, torch.nn.Module]:
    """Backbone (N, 3, S, S) -> (N, D) and head (N, D) -> (N, C) of a network, which becomes the backbone.

    `side` is S, pixels.

    Raises:
        RefusedError: the two do not compute what the network does.
    """
    images = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    head = network.get_submodule(head_name)
    with torch.inference_mode():
        whole = network(images)
        network.set_submodule(head_name, torch.nn.Identity())
        features = network(images)
        halves = head(features) if features.ndim == 2 else None
    bound = _SPLIT_TOLERANCE * max(1.0, float(whole.abs().max()))
    if halves is None or halves.shape != whole.shape or not float((halves - whole).abs().max()) <= bound:
        raise RefusedError(
            f"the features before the layer {head_name!r} do not give the network's answer; it has no such head"
        )
    return network, head


def _torchvision(name: str, options: Mapping[str, Any]) -> torch.nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of slow initial values, which are replaced
        network: torch.nn.Module = torchvision.models.get_model(name, weights=None, **options)
    return network


def _timm(name: str, options: Mapping[str, Any]) -> torch.nn.Module:
    network: torch.nn.Module = timm.create_model(name, pretrained=False, **options)
    return network


def _packaged(name: str, options: Mapping[str, Any]) -> torch.nn.Module:
    network: torch.nn.Module = EfficientNet.from_name(name.replace("_", "-"), **options)
    return network


def _own(name: str, options: Mapping[str, Any]) -> torch.nn.Module:
    return _OWN[name](**options)


_OWN: Mapping[str, Callable[..., torch.nn.Module]] = MappingProxyType({"lenet5": LeNet5})

_MAKERS: Mapping[str, Callable[[str, Mapping[str, Any]], torch.nn.Module]] = MappingProxyType(
    {"own": _own, "packaged": _packaged, "torchvision": _torchvision, "timm": _timm}
)


def _head_name(architecture: Architecture, network: torch.nn.Module) -> str:
    """The linear layer that gives the logits: timm names it; elsewhere it is the last module of all that compute."""
    modules: list[tuple[str, torch.nn.Module]] = [
        (name, module) for name, module in network.named_modules() if not any(True for _ in module.children())
    ]
    if architecture.library == "timm":
        classifier: object = network.get_classifier()  # type: ignore[operator]  # torch types attributes as modules
        names = [name for name, module in modules if module is classifier]
    else:
        names = [name for name, module in modules if any(True for _ in module.parameters())][-1:]
    if not names or not isinstance(network.get_submodule(names[0]), torch.nn.Linear):
        raise RefusedError(
            f"{architecture.title} ends in no linear layer, so it has no features to serve as EMBEDDING; choose another"
        )
    return names[0]


def _fill(network: torch.nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    tensors = OrderedDict(state)
    # Which form of each layer these are, as this network has it: modules that find none guess an old form.
    tensors._metadata = network.state_dict()._metadata  # type: ignore[attr-defined]
    network.load_state_dict(tensors, strict=False)
