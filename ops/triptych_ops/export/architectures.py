"""Which networks can be built, decided from names alone: without torch, which takes seconds to load."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from triptych_ops.errors import MissingError

PACKAGED = "efficientnet_lite0"
"""The architecture whose weights come in a package of their own."""

OWN = frozenset({"lenet5"})
"""Networks that neither library has."""

TIMM_PREFIX = "timm:"

Library = Literal["own", "packaged", "torchvision", "timm"]

# torchvision and timm register networks by this decorator, and only in these folders: a test compares what
# is read here with what the loaded libraries list.
_REGISTERED = re.compile(r"^@register_model(?:\([^\n]*\))?\n(?:@[^\n]*\n)*def (\w+)\(", re.MULTILINE)
_NOT_CONVOLUTIONAL = re.compile("(vit|swin|maxvit)_")  # of torchvision's; its segmenters and the like are elsewhere


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network that `load` can make."""

    name: str  # as its library calls it
    library: Library
    tag: str | None = None  # timm's name of one set of published weights, where the user gave it

    @property
    def title(self) -> str:
        """The name that finds it again."""
        prefix = TIMM_PREFIX if self.library == "timm" else ""
        return f"{prefix}{self.name}" + (f".{self.tag}" if self.tag else "")


def find_architecture(name: str) -> Architecture:
    """The architecture of a name: the packaged one, `lenet5`, torchvision's, `timm:NAME`, else timm's own name.

    timm's names may carry the tag of published weights, as in `timm:resnet50.a1_in1k`.

    Raises:
        MissingError: there is none of that name.
    """
    if name == PACKAGED:
        return Architecture(name, "packaged")
    if name in OWN:
        return Architecture(name, "own")
    if name in _torchvision_names():
        return Architecture(name, "torchvision")
    base, _, tag = name.removeprefix(TIMM_PREFIX).partition(".")
    if base in _timm_names():
        return Architecture(base, "timm", tag or None)
    raise MissingError(f"there is no architecture {name!r}; {_choice(name)}")


def _choice(name: str) -> str:
    if name.startswith(TIMM_PREFIX):
        near = [TIMM_PREFIX + match for match in _near(name.removeprefix(TIMM_PREFIX), _timm_names())]
    else:
        near = _near(name, {PACKAGED} | OWN | _torchvision_names()) or _near(name, _timm_names())
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"choose {PACKAGED}, a convolutional network of torchvision such as resnet50, or {TIMM_PREFIX}NAME"


def _near(name: str, names: Collection[str]) -> list[str]:
    return get_close_matches(name, sorted(names), n=3, cutoff=0.7)


@cache
def _torchvision_names() -> frozenset[str]:
    return frozenset(name for name in _registered("torchvision") if not _NOT_CONVOLUTIONAL.match(name))


@cache
def _timm_names() -> frozenset[str]:
    return _registered("timm")


def _registered(package: str) -> frozenset[str]:
    found = find_spec(package)
    if found is None or found.origin is None:
        return frozenset()  # not installed
    sources = (Path(found.origin).parent / "models").glob("*.py")
    return frozenset(name for path in sources for name in _REGISTERED.findall(path.read_text(encoding="utf-8")))
