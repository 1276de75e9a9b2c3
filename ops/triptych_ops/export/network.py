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
        # (x / 255 - mean) / std = (x - 255 mean) / (255 std): one subtraction, one division
        definition = weights.preprocessing
        self.register_buffer("offset", torch.tensor(definition.mean).view(1, 3, 1, 1) * 255)
        self.register_buffer("scale", torch.tensor(definition.std).view(1, 3, 1, 1) * 255)

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """LOGITS (N, C) and EMBEDDING (N, D), float32, of PIXELS (N, S, S, 3) uint8."""
        images = pixels.permute(0, 3, 1, 2).float()  # (N, S, S, 3) uint8 -> (N, 3, S, S) float32
        embedding = self.backbone((images - self.offset) / self.scale)  # (N, D)
        return self.head(embedding), embedding
