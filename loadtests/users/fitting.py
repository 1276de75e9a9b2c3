"""Which kinds of users take part, when nobody picked some. Pure."""

from collections.abc import Sequence
from typing import Final, TypeVar

UserClass = TypeVar("UserClass", bound=type)

_DEFAULT: Final = "grpc"


def fitting(classes: Sequence[UserClass], *, host: str | None, picked: bool) -> Sequence[UserClass]:
    """Those that speak what `host` speaks, gRPC's without one; all where somebody picked, or none fits.

    An HTTP host is taken for Triton's: who means a gateway picks its users by name. So does who wants a class that says
    `only_when_picked`.
    """
    if picked:
        return classes
    protocol = _DEFAULT if not host or host.startswith(("grpc", "dns:")) else "http"
    asked = [each for each in classes if not getattr(each, "only_when_picked", False)]
    return [each for each in asked if getattr(each, "protocol", protocol) == protocol] or classes
