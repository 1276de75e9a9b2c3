"""A release on the real Triton, for as long as a command needs one."""

import os
from functools import partial

from triptych_ops import runtime
from triptych_ops.release import Release

from .served_copy import copy_sound


def loopback_server(release: Release, *, sizing: runtime.Sizing | None = None) -> runtime.Server:
    """A server of this release on free ports of loopback, sized for this machine where nothing else is said.

    Raises:
        MissingError: there is no Triton on this machine.
    """
    suited = sizing or runtime.Sizing.of_machine()
    copy = partial(copy_sound, release, trust=None, sizing=suited, check=lambda: None)
    return runtime.Server(runtime.find_installation(os.environ), copy, runtime.Ports.free())
