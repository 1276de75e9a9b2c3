"""What limits a server, in one sentence. Pure: a table of cases, the first that fits is told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from .members import Member

BUSY_SHARE: Final = 0.85
"""An instance that works more than that has no time left: requests come in clusters, and wait."""

MACHINE_SHARE: Final = 0.9
"""Of all cores: from there on processes wait for each other rather than for work."""

_WAITING_SHARE: Final = 0.5  # of a request's time; less is not what it is slow by
_OUTSIDE_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is known of a run beside its members.

    answered:      good answers
    refused:       that the server turned away as overloaded, or that did not end in time
    mean_s:        latency of a good answer, from the sending, on average
    machine_share: of all cores of the generator's machine, that everybody took, in the mean
    same_machine:  the server runs on the generator's machine
    """

    answered: int
    refused: int
    mean_s: float
    machine_share: float
    same_machine: bool


def bottleneck(members: Sequence[Member], circumstances: Circumstances) -> str:
    """What a run was limited by, with the evidence, in a sentence."""
    return next(said for case in _CASES if (said := case(members, circumstances)) is not None)


def _nothing_answered(_: Sequence[Member], seen: Circumstances) -> str | None:
    return None if seen.answered else "Not one request was answered rightly, so that there is nothing to judge by."


def _not_told(members: Sequence[Member], seen: Circumstances) -> str | None:
    if members:
        return None
    if seen.same_machine and seen.machine_share >= MACHINE_SHARE:
        return (
            f"The machine's cores were busy {seen.machine_share:.0%} of the time; the server does not tell with what."
        )
    return "The server does not tell its statistics, so that it is not known where the time goes."


def _busy(members: Sequence[Member], _: Circumstances) -> str | None:
    busiest = max(members, key=lambda member: member.busy_share)
    if busiest.busy_share < BUSY_SHARE:
        return None
    instances = "one instance was" if busiest.instances == 1 else f"{busiest.instances} instances were"
    return (
        f"{busiest.name} is the bottleneck: its {instances} at work {busiest.busy_share:.0%} of the time, "
        f"and a request waited {_ms(busiest.queue_s)} for {_ms(busiest.compute_s)} of work."
    )


def _cores(members: Sequence[Member], seen: Circumstances) -> str | None:
    if not seen.same_machine or seen.machine_share < MACHINE_SHARE:
        return None
    most = max(members, key=lambda member: member.busy_share * member.instances)
    return (
        f"The machine's cores are the bottleneck: they were busy {seen.machine_share:.0%} of the time, the load "
        f"generator included; most of it is {most.name}'s, {_ms(most.compute_s)} of a request."
    )


def _waiting(members: Sequence[Member], seen: Circumstances) -> str | None:
    longest = max(members, key=lambda member: member.queue_s)
    if longest.queue_s < _WAITING_SHARE * seen.mean_s:
        return None
    return (
        f"Requests wait for {longest.name}, {_ms(longest.queue_s)} of {_ms(seen.mean_s)}, though it was at work only "
        f"{longest.busy_share:.0%} of the time: they come in bursts."
    )


def _outside(members: Sequence[Member], seen: Circumstances) -> str | None:
    inside_s = sum(member.queue_s + member.compute_s for member in members)
    if seen.mean_s - inside_s < _OUTSIDE_SHARE * seen.mean_s:
        return None
    return (
        f"Most of the time is spent outside of the members: {_ms(seen.mean_s - inside_s)} of {_ms(seen.mean_s)}, "
        "in the network, an edge, or the server's own front end."
    )


def _turned_away(_: Sequence[Member], seen: Circumstances) -> str | None:
    if seen.refused < 0.01 * seen.answered:
        return None
    return (
        f"A limit before the members is the bottleneck: {seen.refused} requests were turned away or not answered in "
        "time, while no member was short of time."
    )


def _none(members: Sequence[Member], seen: Circumstances) -> str:
    largest = max(members, key=lambda member: member.compute_s)
    return (
        f"Nothing was at its limit: most of a request's {_ms(seen.mean_s)} is {largest.name}'s work, "
        f"{_ms(largest.compute_s)}, and it was at work {largest.busy_share:.0%} of the time."
    )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


_CASES: Final[tuple[Callable[[Sequence[Member], Circumstances], str | None], ...]] = (
    _nothing_answered,
    _not_told,
    _busy,
    _cores,
    _turned_away,
    _waiting,
    _outside,
    _none,
)
