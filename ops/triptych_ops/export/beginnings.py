"""Networks to be trained: with a new head for the classes at hand."""

from dataclasses import dataclass
from pathlib import Path

import torch

from triptych_ops.preprocessing import Preprocessing

from .architectures import find_architecture
from .checkpoint import read_checkpoint
from .definitions import default, resolve
from .networks import load_network, new_network
from .weights_files import WeightsFile, weights_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """A network whose head is new, and whose other weights are trained or random."""

    architecture: str
    network: torch.nn.Module  # (N, 3, S, S) float32 -> (N, C) float32
    head_name: str  # of the last linear layer, within the network
    preprocessing: Preprocessing
    file: WeightsFile | None  # None: all weights are random
    notes: tuple[str, ...] = ()  # a line each that the user should know of


def begin(
    architecture: str,
    *,
    classes: int,
    pretrained: bool = True,
    weights: Path | None = None,
    key: str | None = None,
    seed: int = 0,
) -> Beginning:
    """The network of an architecture for so many classes, in inference mode.

    pretrained: with the weights of a file, else of the architecture's own package
    key:        which of several sets of weights in the file
    seed:       of all that is random

    Raises:
        MissingError: there is no such architecture, file or key.
        UsageError: the architecture comes without weights and no file is named, or several sets of weights fit.
        RefusedError: the file is damaged, unsafe or of another network.
    """
    found = find_architecture(architecture)
    file = weights_file(architecture, weights, None) if pretrained else None
    notes: tuple[str, ...] = ()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if file is None:
            network, head_name = new_network(found, classes=classes)
            preprocessing = default(found).preprocessing
        else:
            checkpoint = read_checkpoint(file.path)
            definition = resolve(found, checkpoint, named=None, labelled=True)  # its classes are new
            loaded = load_network(found, checkpoint, of_torchvision=definition.of_torchvision, key=key)
            network, head_name = loaded.network, loaded.head_name
            notes = (*loaded.notes, *definition.notes)
            trained = network.get_submodule(head_name)
            network.set_submodule(head_name, torch.nn.Linear(trained.in_features, classes))  # type: ignore[arg-type]
            preprocessing = definition.preprocessing
    return Beginning(
        architecture=found.title,
        network=network,
        head_name=head_name,
        preprocessing=preprocessing,
        file=file,
        notes=notes,
    )
