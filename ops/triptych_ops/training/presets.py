"""Settings that go together, by name."""

from collections.abc import Mapping
from types import MappingProxyType

from triptych_ops import export

from .settings import Settings

ARTICLE = Settings(
    architecture="resnet18",
    strategy="full",
    epochs=25,
    optimizer="adam",
    learning_rate=1e-3,
    schedule="step",
    step_epochs=7,
    step_gamma=0.1,
    augmentation="none",
    pretrained=False,
)
"""A complete case as articles teach it: the shorter side resized to 256, the centre cropped to 224, ImageNet's mean and
deviation (ResNet-18's own definition), a new last layer, Adam with 1e-3, divided by 10 every 7 epochs, 25 epochs."""

PRESETS: Mapping[str, Settings] = MappingProxyType({"article": ARTICLE})


def defaults(*, architecture: str, has_weights: bool) -> Settings:
    """What suits an architecture where the user says nothing.

    With trained weights: first the new head, then gradually the layers below it, at a tenth of its rate, since they
    know already what images look like. With random ones: everything from the beginning, for longer.
    """
    if has_weights:
        return Settings(architecture=architecture, strategy="gradual", epochs=12, backbone_rate=0.1)
    return Settings(architecture=architecture, pretrained=False, strategy="full", epochs=40, warmup_epochs=2)


def packaged(architecture: str) -> bool:
    """Whether the architecture's weights come in a package, so that a training may begin with them."""
    return architecture == export.PACKAGED
