"""The shared memory in which Triton and its stubs pass tensors: how much a served repository can need.

Each instance of a python model has a region of its own. It grows by the size of a request that does not fit into it,
and never shrinks, so that it comes to at most twice the largest request (measured on Triton 2.51: after requests of
10 and 15 MB a region has 27 MB).
"""

import os
from math import prod
from pathlib import Path
from typing import Any, Final

from tritonclient.grpc.model_config_pb2 import DataType

from triptych import contract
from triptych_ops import triton_config

PLACE: Final = Path("/dev/shm")  # noqa: S108  where the python backend keeps its regions
_FIRST_BYTES: Final = 1024 * 1024
_MEBI: Final = 1024 * 1024
_ELEMENT_BYTES: Final = {"TYPE_UINT8": 1, "TYPE_INT8": 1, "TYPE_FP16": 2, "TYPE_INT64": 8, "TYPE_FP64": 8}
"""Of the types that do not take four bytes."""


def needed_bytes(repository: Path, *, body_bytes: int) -> int:
    """Return what the models of a repository need when each instance works on a largest request.

    body_bytes: the largest request, with its images

    Raises:
        RefusedError: a configuration cannot be parsed.
    """
    total = 0
    for model in contract.MEMBERS:
        config = triton_config.read(repository / model / triton_config.FILE_NAME)
        tensors = [*config.input, *config.output]
        of_images = body_bytes if any(tensor.name == contract.IMAGE for tensor in config.input) else 0
        request = of_images + config.max_batch_size * sum(map(_row_bytes, tensors))
        total += sum(group.count for group in config.instance_group) * max(_FIRST_BYTES, 2 * request)
    return total


def shortage(repository: Path, *, body_bytes: int, place: Path = PLACE) -> str | None:
    """Return a line that says what is missing and what to do, or None where there is enough.

    Raises:
        RefusedError: a configuration cannot be parsed.
    """
    try:
        found = os.statvfs(place)
    except FileNotFoundError:
        return f"warning: there is no {place}; Triton's python models need it: mount a tmpfs there"
    needed = needed_bytes(repository, body_bytes=body_bytes)
    size, free = found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
    if free >= needed:
        return None
    of_it = f", {_mebi(free)} MiB of it free" if free < size else ""
    return (
        f"warning: {place} has {_mebi(size)} MiB{of_it}; requests of {_mebi(body_bytes)} MiB on all instances at once "
        f"need {_mebi(needed, up=True)} MiB, and one that finds too little fails: give it more "
        f"(docker run --shm-size={_mebi(needed, up=True)}m), or set fewer instances, or a smaller --max-body of an edge"
    )


def _row_bytes(tensor: Any) -> int:
    """Of one image; 0 for text, which is counted by the request's bytes or is short."""
    kind = DataType.Name(tensor.data_type)
    return 0 if kind == "TYPE_STRING" else _ELEMENT_BYTES.get(kind, 4) * prod(tensor.dims)


def _mebi(count: int, *, up: bool = False) -> int:
    return -(-count // _MEBI) if up else count // _MEBI
