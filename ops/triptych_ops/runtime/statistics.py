"""Where the server's time goes, by member of the ensemble, from its own statistics."""

from collections.abc import Mapping
from dataclasses import dataclass

import tritonclient.grpc as triton

from triptych import contract

_NANOSECONDS = 1e9


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
    """Times of `preprocess`, `classifier` and `postprocess` of the server at `grpc://host:port`."""
    client = triton.InferenceServerClient(grpc_url.removeprefix("grpc://"))
    try:
        statistics = client.get_inference_statistics().model_stats
    finally:
        client.close()
    return {model.name: _times(model.inference_stats) for model in statistics if model.name in contract.MEMBERS}


def _times(statistics: triton.service_pb2.InferStatistics) -> MemberTimes:
    # Without compute_output: by then the next member of the ensemble is at work, and time would count twice.
    compute_ns = statistics.compute_input.ns + statistics.compute_infer.ns
    return MemberTimes(statistics.queue.ns / _NANOSECONDS, compute_ns / _NANOSECONDS)
