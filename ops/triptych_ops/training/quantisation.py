"""What int8 does to a network, simulated while it is trained, so that it learns to bear it.

Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference,
https://arxiv.org/abs/1712.05877: weights and activations are rounded on the way forward, and gradients pass as if they
had not been. In the form that `export` gives int8 graphs: weights by channel and symmetric, activations unsigned with
a zero point. Batch normalisation, which export folds into the weights, scales whole channels, and so changes nothing.

Nothing of it stays in the network: it has the same parameters under the same names.
"""

from typing import Final

import torch
from torch import nn

BITS: Final = 8
_QUANTISED = (nn.Conv2d, nn.Linear)
_LEAST_RANGE: Final = 1e-8


def simulate_activations(network: nn.Module, *, bits: int = BITS) -> None:
    """Round what each convolution and linear layer takes, from now on; the range is that of the batch."""

    def rounded(_layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        return (rounded_activation(inputs[0], bits=bits), *inputs[1:])

    for layer in network.modules():
        if isinstance(layer, _QUANTISED):
            layer.register_forward_pre_hook(rounded)


def simulated(network: nn.Module, images: torch.Tensor, *, bits: int = BITS) -> torch.Tensor:
    """What the network answers with rounded weights: logits (N, C) of images (N, 3, S, S)."""
    logits: torch.Tensor = torch.func.functional_call(network, _rounded_weights(network, bits=bits), (images,))
    return logits


def rounded_weight(weight: torch.Tensor, *, bits: int = BITS) -> torch.Tensor:
    """A weight (C, ...) on a grid of its own for each output channel, symmetric around zero."""
    most = 2 ** (bits - 1) - 1
    with torch.no_grad():
        scale = weight.abs().flatten(1).amax(dim=1).clamp(min=_LEAST_RANGE) / most  # (C,)
    zero = torch.zeros(len(scale), dtype=torch.int32, device=weight.device)
    return torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, -most, most)


def rounded_activation(values: torch.Tensor, *, bits: int = BITS) -> torch.Tensor:
    """Values on one grid from their least, or 0, to their largest, or 0."""
    most = 2**bits - 1
    with torch.no_grad():
        least, largest = values.amin().clamp(max=0), values.amax().clamp(min=0)
        scale = ((largest - least) / most).clamp(min=_LEAST_RANGE)
        zero = (-least / scale).round().clamp(0, most).to(torch.int32)
    return torch.fake_quantize_per_tensor_affine(values, scale, zero, 0, most)


def _rounded_weights(network: nn.Module, *, bits: int) -> dict[str, torch.Tensor]:
    return {
        f"{name}.weight": rounded_weight(layer.weight, bits=bits)
        for name, layer in network.named_modules()
        if isinstance(layer, _QUANTISED)
    }
