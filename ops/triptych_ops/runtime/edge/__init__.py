"""The real Envoy in front of Triton: only inference of the ensemble is reachable, within limits, for whom it knows.

    settings.py       what is asked of it, validated; api_keys.py reads a file of keys
    configuration.py  settings -> Envoy's configuration as plain data, pure: for a process here or a container
                      elsewhere; listeners.py, routes.py, replies.py, admission.py, metrics.py and statistics.py
                      are its parts
    admission/        in Lua, inside Envoy: is a request's body one inference of the contract's form?
    process.py        starts it, watches it, stops it; administration.py asks it

Forbidden inside: what a release is.
"""

from .api_keys import read_api_keys
from .configuration import BOOTSTRAP, configuration
from .installation import find_envoy
from .process import EXIT_TIMEOUT_S, Edge, missing_descriptors
from .settings import ApiKey, EdgeSettings, Limits, TlsFiles, Upstream

__all__ = [
    "BOOTSTRAP",
    "EXIT_TIMEOUT_S",
    "ApiKey",
    "Edge",
    "EdgeSettings",
    "Limits",
    "TlsFiles",
    "Upstream",
    "configuration",
    "find_envoy",
    "missing_descriptors",
    "read_api_keys",
]
