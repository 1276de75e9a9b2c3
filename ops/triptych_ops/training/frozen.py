"""Features of images below the head, computed once where nothing below the head is trained."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from .inputs import Batch, Inputs, Key, in_order


@dataclass(frozen=True, slots=True)
class Features:
    """What the head takes, for every sample of a part."""

    features: torch.Tensor  # (N, D) float32
    classes: torch.Tensor  # (N,) int64

    def batches(self, keys: Sequence[list[Key]]) -> Iterator[Batch]:
        """The batches of these keys: features (B, D) and classes (B,)."""
        for batch in keys:
            indices = torch.tensor([index for _, index in batch])
            yield self.features[indices], self.classes[indices]


def compute_features(
    network: torch.nn.Module,
    head_name: str,
    inputs: Inputs,
    *,
    batch_size: int,
    workers: int,
    device: torch.device,
    advance: Callable[[int], None],
) -> Features:
    """The features of each sample in order, in inference mode; `advance` is told of each number of images done."""
    found: list[torch.Tensor] = []
    classes: list[torch.Tensor] = []
    head = network.get_submodule(head_name)
    hook = head.register_forward_pre_hook(lambda _head, arguments: found.append(arguments[0].cpu()))
    network.eval()
    try:
        with torch.no_grad():  # inference tensors could not be trained on
            for images, labels in inputs.batches(in_order(len(inputs), batch_size=batch_size), workers=workers):
                network(images.to(device, memory_format=torch.channels_last))
                classes.append(labels)
                advance(len(labels))
    finally:
        hook.remove()
    return Features(torch.cat(found).to(device), torch.cat(classes))
