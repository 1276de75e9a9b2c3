"""The network as it is served: normalisation inside, logits and features out."""

import torch

from .weights import Weights


class ServedNetwork(torch.nn.Module):
    """PIXELS (N, S, S, 3) uint8 -> LOGITS (N, C) float32, EMBEDDING (N, D) float32."""

    offset: torch.Tensor
    scale: torch.Tensor

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.backbone = weights.backbone
        self.head = weights.head
        # (x / 255 - mean) / std = (x - 255 mean) / (255 std): one subtraction, one division.
        # Over whole rows of pixels: broadcasting three channels as the last axis costs ONNX Runtime 15 times as much,
        # and its layout optimiser makes them the last axis in an int8 graph wherever they stand.
        definition = weights.preprocessing
        self.register_buffer("offset", torch.tensor(definition.mean).repeat(definition.crop) * 255)  # (S * 3,)
        self.register_buffer("scale", torch.tensor(definition.std).repeat(definition.crop) * 255)

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """LOGITS (N, C) and EMBEDDING (N, D), float32, of PIXELS (N, S, S, 3) uint8."""
        rows = pixels.flatten(2).float()  # (N, S, S, 3) uint8 -> (N, S, S * 3) float32
        normalised = (rows - self.offset) / self.scale
        images = normalised.view_as(pixels).permute(0, 3, 1, 2)  # -> (N, 3, S, S)
        # The exporter writes global pooling of a permuted tensor as a gather over strides, of this as the mean it is.
        images = images.contiguous()
        embedding = self.backbone(images)  # (N, D)
        return self.head(embedding), embedding
