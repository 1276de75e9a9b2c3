"""What the cluster remembers of a rollout: enough that whoever comes next goes on where the last one was killed.

A `Rollout` never changes; each step makes the next one. It says what is wanted (`wanted`), and what was wanted before
as long as some object may still have that (`superseded`). Each object carries the mark of what was written to it last,
so that an object which was not yet written and one that somebody else changed are never taken for each other.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from triptych_ops.errors import RefusedError

KEPT_ROLLOUTS = 10
"""How many that have ended stay in the history. A ConfigMap holds 1 MiB; a rollout has 10 to 60 KiB."""
KEPT_DECISIONS = 100
"""Of one rollout. Of those beyond it, looks that changed nothing go first."""

Percent = Annotated[int, Field(ge=0, le=100)]
_Count = Annotated[int, Field(ge=0, lt=2**31)]


class Phase(StrEnum):
    """Where a rollout is. Of each but the last three, a killed command is resumed."""

    PREPARING = "preparing"  # the candidate's pods start
    CHECKING = "checking"  # gates, before any traffic
    SCALING = "scaling"  # the candidate gets the pods that its next share needs
    SHIFTING = "shifting"  # the share is written to the routes
    OBSERVING = "observing"  # evidence is gathered and judged
    PROMOTING = "promoting"  # the stable track takes the release
    RETURNING = "returning"  # the stable track takes all traffic
    ABORTING = "aborting"  # all traffic goes to the stable track, at its old release
    CLEARING = "clearing"  # the candidate goes back to what it was
    UNDOING = "undoing"  # the stable track takes the release it had before
    PROMOTED = "promoted"
    ABORTED = "aborted"
    UNDONE = "undone"


ENDED = frozenset({Phase.PROMOTED, Phase.ABORTED, Phase.UNDONE})


class Act(StrEnum):
    """What a decision decides."""

    START = "start"
    FORCE = "force"
    RESUME = "resume"
    PAUSE = "pause"
    PASS = "pass"  # noqa: S105  of a gate, or of a step
    HOLD = "hold"
    PROMOTE = "promote"
    ABORT = "abort"
    EXPIRE = "expire"  # inconclusive for too long, which is an abort, too
    UNDO = "undo"
    NOTICE = "notice"  # what somebody else changed
    END = "end"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Binding(_Record):
    """A release, by number and by its manifest's digest: what a track's pods pull."""

    release: int = Field(gt=0)
    manifest_sha256: str = Field(pattern="^[0-9a-f]{64}$")

    def __str__(self) -> str:
        return f"release {self.release}"


class Golden(_Record):
    """What a release answers to a bundled photograph, best class first."""

    photograph: str
    class_id: _Count
    label: str
    score: float


class Sticky(_Record):
    """Requests with this header go to the candidate, whatever its share: they come to one track as long as it lasts."""

    header: str = Field(pattern="^[A-Za-z0-9-]{1,64}$")
    value: str = Field(pattern="^[A-Za-z0-9._~:/+=@-]{1,256}$")

    def __str__(self) -> str:
        return f"{self.header}={self.value}"


class Wanted(_Record):
    """What the cluster's objects shall say.

    revision:           counts what was wanted, from 0: what the objects said before the rollout
    weight_percent:     the candidate's share of the requests, by the routes
    mirror:             whether the candidate gets a copy of each request, and its answers go nowhere
    sticky:             which requests go to the candidate whatever its share
    stable, candidate:  what the tracks are bound to
    candidate_replicas: the stable track's are never changed
    """

    revision: _Count
    weight_percent: Percent
    mirror: bool = False
    sticky: Sticky | None = None
    stable: Binding
    candidate: Binding
    candidate_replicas: _Count


class Decision(_Record):
    """One thing that was decided: by whom, when, where in the plan, why, on what evidence."""

    number: _Count
    at: datetime
    by: str
    act: Act
    phase: Phase
    step: int
    why: str
    evidence: tuple[dict[str, object], ...] = ()


class Look(_Record):
    """What the evidence of a step said when it was judged last.

    samples: of the candidate, since the step began
    """

    at: datetime
    act: Act
    why: str
    samples: _Count = 0
    evidence: tuple[dict[str, object], ...] = ()


class Rollout(_Record):
    """One release over another.

    plan:         the plan as its author wrote it
    origin:       what the objects said before, revision 0
    untouched:    for each object, the digest of all in it that is not ours to change
    stable_replicas: the pods that the stable track had; the candidate's share is measured by them
    superseded:   what was wanted before `wanted`, as long as some object may still say so, oldest first
    step:         index into the plan's steps
    since:        when the phase began
    looks:        how often this step's evidence was judged
    latest:       what the evidence said the last time
    paused:       why nothing goes on, or None
    golden:       the release's known answers; none where nobody looked into its manifest
    accepted:     foreign edits that an operator said may be written over
    announced:    the first decision that is not known to be announced outside of this record
    """

    number: int = Field(gt=0)
    release: Binding
    plan: str
    by: str
    started: datetime
    origin: Wanted
    untouched: dict[str, str]
    stable_replicas: _Count
    wanted: Wanted
    superseded: tuple[Wanted, ...] = ()
    phase: Phase = Phase.PREPARING
    step: int = 0
    since: datetime
    looks: _Count = 0
    latest: Look | None = None
    paused: str | None = None
    golden: tuple[Golden, ...] = ()
    accepted: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()
    announced: _Count = 0

    @property
    def unannounced(self) -> tuple[Decision, ...]:
        """Decisions of which nobody outside of this record may know."""
        return tuple(each for each in self.decisions if each.number >= self.announced)

    @property
    def forgotten(self) -> int:
        """Return how many decisions are no longer in the record, which keeps `KEPT_DECISIONS`."""
        return self.decisions[-1].number + 1 - len(self.decisions) if self.decisions else 0

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do, but perhaps to announce."""
        return self.phase in ENDED

    def mark(self, wanted: Wanted) -> str:
        """What an object carries once `wanted` was written to it."""
        return f"{self.number}.{wanted.revision}"

    def decided(self, act: Act, why: str, *, at: datetime, by: str, **more: object) -> "Rollout":
        """The same with one decision more.

        more: fields that change with it, and `evidence`
        """
        evidence = more.pop("evidence", ())
        number = self.decisions[-1].number + 1 if self.decisions else 0
        decision = Decision.model_validate(
            {"number": number, "at": at, "by": by, "act": act, "phase": self.phase, "step": self.step, "why": why}
            | {"evidence": evidence}
        )
        return self.model_copy(update={"decisions": _bounded((*self.decisions, decision)), **more})

    def entering(self, phase: Phase, *, at: datetime, step: int | None = None) -> "Rollout":
        """The same in another phase, or again in this one."""
        chosen = self.step if step is None else step
        return self.model_copy(update={"phase": phase, "since": at, "step": chosen, "looks": 0, "latest": None})

    def wanting(self, **changes: object) -> "Rollout":
        """The same with something else wanted of the objects."""
        wanted = self.wanted.model_copy(update={**changes, "revision": self.wanted.revision + 1})
        return self.model_copy(update={"wanted": wanted, "superseded": (*self.superseded, self.wanted)})

    def settled(self) -> "Rollout":
        """The same once every object says what is wanted."""
        return self.model_copy(update={"superseded": (), "accepted": ()})


class Record(_Record):
    """What is kept for a chart's release: the rollout that is under way or was the last, and those before it."""

    current: Rollout | None = None
    history: tuple[Rollout, ...] = ()

    def beginning(self, rollout: Rollout) -> "Record":
        """The same with a new rollout."""
        before = (*self.history, self.current) if self.current else self.history
        return Record(current=rollout, history=before[-KEPT_ROLLOUTS:])

    def going_on(self, rollout: Rollout) -> "Record":
        """The same with the next state of the rollout under way."""
        return self.model_copy(update={"current": rollout})

    @property
    def next_number(self) -> int:
        """Of the next rollout."""
        return self.current.number + 1 if self.current else 1


def parse_record(text: str, *, where: str) -> Record:
    """The record that somebody wrote.

    Raises:
        RefusedError: it is none that this version can read.
    """
    try:
        return Record.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "all of it"
        raise RefusedError(
            f"{where} holds no record of rollouts: {place}: {first['msg']}; mend it, or delete it to forget them"
        ) from error


def _bounded(decisions: tuple[Decision, ...]) -> tuple[Decision, ...]:
    if len(decisions) <= KEPT_DECISIONS:
        return decisions
    first_hold = next((index for index, each in enumerate(decisions) if each.act is Act.HOLD), 1)
    return decisions[:first_hold] + decisions[first_hold + 1 :]
