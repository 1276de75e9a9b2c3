"""The command line of a tritonserver on loopback."""

import secrets
from pathlib import Path

from .ports import LOOPBACK, Ports
from .tracing import Collector, triton_flags

_FLAGS = (
    # A serving process never loads or unloads: what is served is what was there at the start.
    "--model-control-mode=none",
    "--disable-auto-complete-config",
    "--exit-on-error=true",
    "--strict-readiness=true",
    "--allow-sagemaker=false",
    "--allow-vertex-ai=false",
)

_UNUSED_APIS = ("model-repository", "shared-memory", "trace", "logging")
"""What no client of a serving process needs; closed by a header that nobody knows."""


def command(
    binary: Path,
    *,
    repository: Path,
    backends: Path,
    regions: str,
    ports: Ports,
    exit_timeout_s: int,
    collector: Collector | None = None,
) -> list[str]:
    """What starts `binary` on these folders and ports.

    regions:        prefix of the names of its shared memory
    exit_timeout_s: what it gives connections and requests at SIGTERM
    collector:      gets spans
    """
    return [
        str(binary),
        f"--model-repository={repository}",
        f"--backend-directory={backends}",
        f"--backend-config=python,shm-region-prefix-name={regions}",
        *(f"--{service}-address={LOOPBACK}" for service in ("http", "grpc", "metrics")),
        f"--http-port={ports.http}",
        f"--grpc-port={ports.grpc}",
        f"--metrics-port={ports.metrics}",
        f"--exit-timeout-secs={exit_timeout_s}",
        f"--http-restricted-api={','.join(_UNUSED_APIS)}:{_nobodys_key()}",
        f"--grpc-restricted-protocol={','.join(_UNUSED_APIS)}:{_nobodys_key()}",
        *(triton_flags(collector) if collector else ()),
        *_FLAGS,
    ]


def _nobodys_key() -> str:
    return f"triptych-closed={secrets.token_hex()}"
