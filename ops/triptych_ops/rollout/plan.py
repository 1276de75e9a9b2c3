"""A plan is a table: which share of the requests, for how long, on how many samples, judged by what."""

from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from triptych_ops.errors import UsageError

_Seconds = Annotated[float, Field(ge=0, le=7 * 24 * 3600)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Step(_Table):
    """A share of the requests, kept for at least this long and until the candidate has this many samples."""

    weight_percent: int = Field(gt=0, le=100)
    least_s: _Seconds = 300.0
    least_samples: int = Field(default=200, ge=0)


class Plan(_Table):
    """How a release is rolled out.

    gates:     what is asked of the candidate's pods before any traffic
    hold_s:    how long a step may be inconclusive before the rollout goes back
    pods_s:    what pods get to be ready
    outage_s:  an outage of the cluster after which the rollout goes back; None: it goes on
    """

    strategy: Literal["canary", "replicas", "blue-green", "shadow"] = "canary"
    steps: tuple[Step, ...] = Field(
        default=(Step(weight_percent=5), Step(weight_percent=25), Step(weight_percent=50), Step(weight_percent=100)),
        min_length=1,
    )
    gates: tuple[Literal["answers"], ...] = ("answers",)
    hold_s: _Seconds = 1800.0
    pods_s: _Seconds = 600.0
    look_every_s: _Seconds = 15.0
    drain_s: _Seconds = 5.0
    outage_s: _Seconds | None = None


def load_plan(text: str) -> Plan:
    """The plan that a YAML text says.

    Raises:
        UsageError: it says none; the message names the field, its value and what is wrong.
    """
    try:
        document = yaml.safe_load(text)
        return Plan.model_validate(document or {})
    except yaml.YAMLError as error:
        raise UsageError(f"the plan is not YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the plan"
        raise UsageError(f"{where} is {first['input']!r}: {first['msg']}") from error
