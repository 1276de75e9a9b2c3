"""All that the next step of a training needs, in one file without pickle: tensors, and JSON in its header."""

from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from triptych_ops.errors import RefusedError

from .files import write_whole
from .run import Epoch

_POSITION = "triptych.position"
_NETWORK, _OPTIMISER = "network:", "optimiser:"


class Position(BaseModel):
    """Where a training stands. Numbers of JSON are exact, so nothing is lost by writing it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: tuple[Epoch, ...] = ()  # done
    steps: int = 0  # done of the next epoch
    images: int = 0  # seen in these steps
    loss_sum: float = 0.0  # over these images
    correct: int = 0
    seconds: float = 0.0  # by the wall clock, in this epoch
    cpu_seconds: float = 0.0
    total_seconds: float = 0.0  # of the whole training so far
    total_cpu_seconds: float = 0.0


def save(
    path: Path, position: Position, network: Mapping[str, torch.Tensor], optimiser: Mapping[str, torch.Tensor]
) -> None:
    """Replace the file, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    tensors = {_NETWORK + name: tensor for name, tensor in network.items()}
    tensors |= {_OPTIMISER + name: tensor for name, tensor in optimiser.items()}
    # Clones, since the format refuses tensors that share memory.
    copies = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    write_whole(path, safetensors.torch.save(copies, {_POSITION: position.model_dump_json()}))


def load(path: Path) -> tuple[Position, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """What `save` wrote: the position, the network's and the optimiser's tensors.

    Raises:
        RefusedError: the file is damaged.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            position = Position.model_validate_json((file.metadata() or {})[_POSITION])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  no dict
    except (safetensors.SafetensorError, KeyError, ValidationError) as error:
        raise RefusedError(
            f"{path} is damaged, so the training cannot go on; remove its folder to begin anew"
        ) from error
    return (
        position,
        {name.removeprefix(_NETWORK): tensor for name, tensor in tensors.items() if name.startswith(_NETWORK)},
        {name.removeprefix(_OPTIMISER): tensor for name, tensor in tensors.items() if name.startswith(_OPTIMISER)},
    )
