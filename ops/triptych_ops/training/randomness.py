"""Seeds for torch's generators, without what `torch.manual_seed` notes for GPUs that nobody uses: 1 ms each time."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def seed_of(*numbers: int) -> int:
    """A seed for the things that these numbers name together."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])


def seed_torch(seed: int, device: torch.device) -> None:
    """Seed what draws on the CPU, and on the device."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed_all(seed)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within, the CPU's generator is seeded; after it, it goes on as if nothing had been drawn."""
    before = torch.default_generator.get_state()
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.default_generator.set_state(before)
