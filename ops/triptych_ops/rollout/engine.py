"""Drives a rollout: reads its state, looks at the cluster, writes what is missing, decides what comes next, again.

Every step can be made twice, and none depends on what this process remembers:

    - what is wanted is written to the record before any object is touched, guarded by the record's version
    - each object is written only at the version that was looked at, so nothing that others wrote is lost
    - what was decided is announced under its own number, so that announcing it again changes nothing
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Protocol

from .changes import Change, Foreign, changes, foreign, keys
from .changes import told as all_told
from .course import Course, Gates, Judge
from .errors import ConflictError, LostLeaseError, UnreachableError
from .phases import ENGINE, Ask, Moment, Next, Wait, aborted, checked, following, going_back, judged
from .state import Act, Decision, Phase, Record, Rollout
from .world import World

POLL_S: Final = 1.0
_AGAIN_S: Final = 0.05
_OUTAGE_POLL_S: Final = 2.0


class Cluster(Protocol):
    """What the engine asks of a cluster. Each raises UnreachableError where it does not answer."""

    def read(self) -> tuple[Record, str | None]:
        """The record and its version, None where there is none yet."""
        ...

    def write(self, record: Record, *, over: str | None) -> None:
        """Write the record where it still has this version.

        Raises:
            ConflictError: it has not.
        """
        ...

    def observe(self) -> World:
        """What the objects say."""
        ...

    def apply(self, change: Change) -> None:
        """Write a change where the object still has the version that was seen.

        Raises:
            ConflictError: it has not.
        """
        ...

    def let_go(self) -> None:
        """Own nothing of the objects any more, so that others may change what rollouts changed.

        Raises:
            ConflictError: somebody wrote to one of them in the meantime.
        """
        ...


class Announcer(Protocol):
    """Tells a decision to others. Told twice, it is there once, or carries the same number."""

    def __call__(self, rollout: Rollout, decision: Decision) -> None:
        """Tell it.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        ...


def _utc() -> datetime:
    return datetime.now(UTC)


class Engine:
    """Drives the current rollout of a record.

    may_drive: whether this process holds the Lease now; going back needs none, since all who do it write the same
    now, sleep: the time
    """

    def __init__(
        self,
        cluster: Cluster,
        course: Course,
        *,
        judge: Judge,
        gates: Gates,
        announce: Announcer,
        may_drive: Callable[[], bool],
        now: Callable[[], datetime] = _utc,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._cluster = cluster
        self._course = course
        self._judge = judge
        self._gates = gates
        self._announce = announce
        self._may_drive = may_drive
        self._now = now
        self._sleep = sleep
        self._announced = 0
        self._unreachable_since: datetime | None = None

    def run(self) -> Rollout:
        """Drive it to its end, through outages of the cluster.

        Raises:
            LostLeaseError: another process drives it.
            MissingError: there is none.
        """
        while True:
            try:
                wait_s = self.tick()
            except ConflictError:
                wait_s = _AGAIN_S
            except UnreachableError:
                self._unreachable_since = self._unreachable_since or self._now()
                wait_s = _OUTAGE_POLL_S
            if isinstance(wait_s, Rollout):
                return wait_s
            self._sleep(wait_s)

    def tick(self) -> float | Rollout:
        """Do what can be done now; seconds until it is worth doing it again, or the rollout once it has ended.

        Raises:
            ConflictError: somebody else wrote in the meantime; nothing is lost, do it again.
            UnreachableError: the cluster does not answer.
            LostLeaseError: another process drives it.
        """
        record, version = self._cluster.read()
        rollout = record.current
        if rollout is None:
            raise LostLeaseError("the record of this rollout was deleted; start it again")
        if not (self._may_drive() or aborted(rollout) or rollout.ended):
            raise LostLeaseError("another process drives this rollout now; see triptych rollout status")

        def write(changed: Rollout) -> float:
            told = changed.model_copy(update={"announced": max(changed.announced, self._announced)})
            self._cluster.write(record.going_on(told), over=version)
            return 0.0

        for decision in rollout.unannounced:
            if decision.number >= self._announced:
                self._announce(rollout, decision)
                self._announced = decision.number + 1
        if rollout.ended:
            if rollout.unannounced:
                write(rollout)
            return rollout
        if self._unreachable_since is not None:
            write(self._after_outage(rollout, self._unreachable_since))
            self._unreachable_since = None
            return 0.0
        world = self._cluster.observe()
        edits = [edit for edit in foreign(rollout, world) if edit.key not in rollout.accepted]
        if (noticed := self._noticed(rollout, world, edits)) is not None:
            return write(noticed)
        if any(edit.ours for edit in edits) and not aborted(rollout):
            return POLL_S
        if todo := changes(rollout, world):
            for change in todo:
                self._cluster.apply(change)
            return 0.0
        if rollout.paused:
            return POLL_S
        moment = Moment(rollout.settled(), world, self._course, self._now())
        found = self._answered(moment, following(moment))
        if isinstance(found, Wait):
            return POLL_S
        if found.ended:
            self._cluster.let_go()
        return write(found)

    def _answered(self, moment: Moment, found: Next) -> Rollout | Wait:
        """What comes next, once what must be asked outside was asked."""
        if found is Ask.GATES:
            results = self._gates(moment.rollout, moment.world)
            return checked(self._later(moment), results)
        if found is Ask.JUDGE:
            look = self._judge(moment.rollout)
            return judged(self._later(moment), look)
        return found

    def _later(self, moment: Moment) -> Moment:
        return Moment(moment.rollout, moment.world, moment.course, self._now())

    def _noticed(self, rollout: Rollout, world: World, edits: list[Foreign]) -> Rollout | None:
        """The rollout that says what somebody else changed, and waits for an operator; None where all of it is said."""
        told = all_told(edits)
        if not edits or _is_told(rollout, edits):
            return None
        untouched = {seen.name: seen.untouched for seen in world.seen}
        if aborted(rollout):
            told_now, paused = f"{told}: written over, since all traffic goes back", None
        elif any(edit.ours for edit in edits):
            told_now = paused = told
        else:
            told_now, paused = f"{told}: kept", rollout.paused
        return rollout.decided(Act.NOTICE, told_now, at=self._now(), by=ENGINE, untouched=untouched, paused=paused)

    def _after_outage(self, rollout: Rollout, since: datetime) -> Rollout:
        """What an outage means: the evidence of the step is gathered anew, or the rollout goes back."""
        now = self._now()
        gap_s = (now - since).total_seconds()
        why = f"the cluster could not be asked for {gap_s:.0f} s"
        limit_s = self._course.outage_s
        if limit_s is not None and gap_s > limit_s:
            return going_back(rollout, f"{why}, more than the {limit_s:g} s of the plan", at=now, by=ENGINE)
        told = rollout.decided(Act.NOTICE, f"{why}; going on", at=now, by=ENGINE)
        return told.entering(Phase.OBSERVING, at=now) if rollout.phase is Phase.OBSERVING else told


def _is_told(rollout: Rollout, edits: list[Foreign]) -> bool:
    last = next((each for each in reversed(rollout.decisions) if each.act is Act.NOTICE), None)
    if last is None or not all(edit.key in last.why for edit in edits):
        return False
    return aborted(rollout) or (
        rollout.paused is not None and {edit.key for edit in edits} <= set(keys(rollout.paused))
    )
