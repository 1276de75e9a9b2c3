"""LeNet-5, which neither torchvision nor timm has."""

from torch import nn


class LeNet5(nn.Sequential):
    """Images (N, 3, 32, 32) -> logits (N, C).

    Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to document recognition, 1998:
    tanh, subsampling by means, 6 and 16 feature maps. Colour instead of one channel, all maps joined to all, and a
    linear layer in place of the radial basis functions at the end.
    """

    def __init__(self, *, num_classes: int = 10) -> None:
        super().__init__(
            nn.Conv2d(3, 6, kernel_size=5),  # (N, 3, 32, 32) -> (N, 6, 28, 28)
            nn.Tanh(),
            nn.AvgPool2d(2),  # -> (N, 6, 14, 14)
            nn.Conv2d(6, 16, kernel_size=5),  # -> (N, 16, 10, 10)
            nn.Tanh(),
            nn.AvgPool2d(2),  # -> (N, 16, 5, 5)
            nn.Flatten(),
            nn.Linear(16 * 5 * 5, 120),
            nn.Tanh(),
            nn.Linear(120, 84),
            nn.Tanh(),
            nn.Linear(84, num_classes),
        )
