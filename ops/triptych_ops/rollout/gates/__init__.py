"""What is asked of the candidate's own pods before any traffic, by their own addresses: no Service comes between.

answers.py   the known answer, of the right release
warm_up.py   classifications until they take no longer than those before
capacity.py  as many images a second as the plan says a pod can do
"""

from collections.abc import Callable, Sequence

from ..course import GateResult, Gates
from ..plan import Plan
from ..state import Act, Rollout
from ..world import World
from .answers import answers
from .capacity import capacity
from .pods import Addresses, reachable
from .warm_up import warm_up

Gate = Callable[[Sequence[str], Rollout], GateResult]

__all__ = ["gates_of"]


def gates_of(plan: Plan, addresses: Addresses) -> Gates:
    """Those of the plan, one after the other, until one does not pass.

    addresses: of the candidate's pods, as the SDK takes them; None for one without an address yet
    """
    chosen = [_GATES[name] for name in plan.gates]
    if plan.images_per_second is not None:
        chosen.append(capacity(plan.images_per_second))

    def asked(rollout: Rollout, world: World) -> tuple[GateResult, ...]:  # noqa: ARG001  the protocol's form
        if not chosen:
            return ()
        urls = addresses()
        if (missing := reachable(urls, rollout.wanted.candidate_replicas)) is not None:
            return (missing,)
        results: list[GateResult] = []
        for gate in chosen:
            results.append(gate([url for url in urls if url is not None], rollout))
            if results[-1].act is not Act.PASS:
                break
        return tuple(results)

    return asked


_GATES: dict[str, Gate] = {"answers": answers, "warm_up": warm_up}
