"""Which names are architectures, decided without torch."""

import subprocess
import sys

import pytest

from triptych_ops.errors import MissingError
from triptych_ops.export import Architecture, architectures, find_architecture


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("efficientnet_lite0", Architecture("efficientnet_lite0", "packaged")),
        ("resnet18", Architecture("resnet18", "torchvision")),  # timm has one, too
        ("timm:resnet18", Architecture("resnet18", "timm")),
        ("timm:resnet50.a1_in1k", Architecture("resnet50", "timm", "a1_in1k")),
        ("tf_efficientnet_lite0", Architecture("tf_efficientnet_lite0", "timm")),
        ("timm:efficientnet_lite0", Architecture("efficientnet_lite0", "timm")),
    ],
)
def test_a_name_is_found_in_its_library(name: str, found: Architecture) -> None:
    assert find_architecture(name) == found


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("resnet19", "did you mean resnet18"),
        ("efficientnet_lite", "did you mean efficientnet_lite0"),
        ("timm:tf_efficientnet_lit0", "timm:tf_efficientnet_lite0"),
        ("vit_b_16", "there is no architecture 'vit_b_16'"),  # no convolutional network
        ("lraspp_mobilenet_v3_large", "there is no architecture"),  # a segmenter
        ("", "choose efficientnet_lite0, a convolutional network of torchvision such as resnet50, or timm:NAME"),
        ("nonsense", "choose efficientnet_lite0"),
    ],
)
def test_an_unknown_name_is_refused_with_what_is_near(name: str, words: str) -> None:
    with pytest.raises(MissingError) as raised:
        find_architecture(name)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_title_finds_its_architecture_again() -> None:
    for name in ("efficientnet_lite0", "resnet18", "timm:resnet50.a1_in1k", "tf_efficientnet_lite0"):
        found = find_architecture(name)
        assert find_architecture(found.title) == found


def test_the_names_are_those_that_the_libraries_register() -> None:
    import timm
    import torchvision

    registered = set(torchvision.models.list_models(module=torchvision.models))
    assert architectures._registered("torchvision") == registered
    assert architectures._registered("timm") == set(timm.list_models())


def test_torch_is_loaded_by_what_needs_it_and_by_nothing_else() -> None:
    code = (
        "import sys; from triptych_ops import export; export.find_architecture('resnet18'); "
        "print({'torch', 'timm', 'onnxruntime'} & set(sys.modules)); export.load; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["set()", "True"]
