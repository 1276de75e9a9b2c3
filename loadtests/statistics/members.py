"""The counters of a member of the ensemble, and what two readings of them say of the time between. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

_NANOSECONDS: Final = 1e9
_COMPUTE: Final = ("compute_input", "compute_infer", "compute_output")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """Of one member, since its server's start. Times are sums over requests, but for `busy_s`, of runs.

    instances: that run at once
    failed:    requests that the server itself counted as failed
    busy_s:    that instances worked; a run of several requests counts once
    """

    instances: int
    requests: int
    failed: int
    images: int
    runs: int
    queue_s: float
    input_s: float
    infer_s: float
    output_s: float
    busy_s: float

    @classmethod
    def of_triton(cls, statistics: Mapping[str, Any], *, instances: int) -> "Counters":
        """As Triton's statistics extension has them; as JSON of protobuf numbers are text, and zeros missing."""
        phases = statistics["inference_stats"]
        input_s, infer_s, output_s = (_seconds(phases, phase) for phase in _COMPUTE)
        return cls(
            instances=instances,
            requests=int(phases["success"].get("count", 0)),
            failed=int(phases.get("fail", {}).get("count", 0)),
            images=int(statistics.get("inference_count", 0)),
            runs=int(statistics.get("execution_count", 0)),
            queue_s=_seconds(phases, "queue"),
            input_s=input_s,
            infer_s=infer_s,
            output_s=output_s,
            busy_s=sum(_seconds(batch, phase) for batch in statistics.get("batch_stats", ()) for phase in _COMPUTE),
        )

    @classmethod
    def sum(cls, several: Iterable["Counters"]) -> "Counters":
        """Of the same member at several servers."""
        rows = [asdict(each) for each in several]
        return cls(**{field.name: sum(row[field.name] for row in rows) for field in fields(cls)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """What a member did in a time. Times are means of a request.

    batch:      images of a run
    busy_share: of the time, that an instance worked, on average over all of them
    """

    name: str
    instances: int
    requests: int
    failed: int
    queue_s: float
    input_s: float
    infer_s: float
    output_s: float
    batch: float
    busy_share: float

    @property
    def compute_s(self) -> float:
        """That a run takes, moving its tensors included."""
        return self.input_s + self.infer_s + self.output_s


def between(before: Mapping[str, Any], after: Mapping[str, Any], *, seconds: float) -> list[Member]:
    """The members between two readings, `name -> counters as JSON`.

    Empty where there is nothing to compare, and where a counter went backwards: it is of another server, or began anew.
    """
    found = []
    for name, later in after.items():
        earlier = before.get(name)
        if earlier is None or later["instances"] != earlier["instances"]:
            return []
        grown = {key: later[key] - earlier[key] for key in later}
        if any(value < 0 for value in grown.values()):
            return []
        if grown["requests"] + grown["failed"]:
            found.append(_member(name, later["instances"], grown, seconds))
    return found


def _member(name: str, instances: int, grown: Mapping[str, float], seconds: float) -> Member:
    requests = max(1.0, grown["requests"])
    return Member(
        name=name,
        instances=instances,
        requests=int(grown["requests"]),
        failed=int(grown["failed"]),
        queue_s=grown["queue_s"] / requests,
        input_s=grown["input_s"] / requests,
        infer_s=grown["infer_s"] / requests,
        output_s=grown["output_s"] / requests,
        batch=grown["images"] / max(1.0, grown["runs"]),
        busy_share=min(1.0, grown["busy_s"] / max(1e-9, seconds * max(1, instances))),
    )


def _seconds(phases: Mapping[str, Any], phase: str) -> float:
    return int(phases.get(phase, {}).get("ns", 0)) / _NANOSECONDS
