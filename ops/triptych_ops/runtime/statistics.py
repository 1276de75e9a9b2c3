"""Where the server's time goes, by member of the ensemble, from its own statistics."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

from triptych import contract
from triptych_ops.errors import OpsError

_NANOSECONDS = 1e9
_TIMEOUT_S = 10.0  # it answers from memory


@dataclass(frozen=True, slots=True)
class MemberTimes:
    """Seconds that one member spent since the server started, over all requests."""

    queue_s: float
    compute_s: float

    @property
    def total_s(self) -> float:
        """Waiting and working."""
        return self.queue_s + self.compute_s

    def __sub__(self, earlier: "MemberTimes") -> "MemberTimes":
        return MemberTimes(self.queue_s - earlier.queue_s, self.compute_s - earlier.compute_s)


def member_times(grpc_url: str) -> Mapping[str, MemberTimes]:
    """Times of `preprocess`, `classifier` and `postprocess` of the server at `grpc://host:port`.

    Raises:
        OpsError: it does not tell.
    """
    with _asking(grpc_url) as client:
        statistics = client.get_inference_statistics(client_timeout=_TIMEOUT_S).model_stats
    return {model.name: _times(model.inference_stats) for model in statistics if model.name in contract.MEMBERS}


def server_version(grpc_url: str) -> str:
    """Triton's version, such as 2.51.0, of the server at `grpc://host:port`.

    Raises:
        OpsError: it does not tell.
    """
    with _asking(grpc_url) as client:
        return str(client.get_server_metadata(client_timeout=_TIMEOUT_S).version)


@contextmanager
def _asking(grpc_url: str) -> Iterator[triton.InferenceServerClient]:
    client = triton.InferenceServerClient(
        grpc_url.removeprefix("grpc://"), channel_args=[("grpc.enable_http_proxy", 0)]
    )
    try:
        yield client
    except InferenceServerException as error:
        raise OpsError(f"{grpc_url} does not tell of itself: {error.message()}") from error
    finally:
        client.close()


def _times(statistics: triton.service_pb2.InferStatistics) -> MemberTimes:
    # Without compute_output: by then the next member of the ensemble is at work, and time would count twice.
    compute_ns = statistics.compute_input.ns + statistics.compute_infer.ns
    return MemberTimes(statistics.queue.ns / _NANOSECONDS, compute_ns / _NANOSECONDS)
