"""A plan is a table: which share of the requests, for how long, on how many samples, judged by what."""

from string import Template
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from triptych_ops.errors import UsageError
from triptych_ops.monitoring import OBJECTIVES

from .metrics import PLACEHOLDERS, USUAL, MetricRule
from .state import Sticky

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
    images_per_second: one gate more: so many must each pod do; None: nobody measures it
    error_budget: the objective of which a tenth must be left to begin, asked of `prometheus`; None: nobody asks
    prometheus: who measures; None: nobody, so that only steps of no least samples pass
    metrics:   what is measured, and how much worse is too much
    sticky:    requests with this header go to the candidate from the first step on, by weights all others do
    stale_s:   how old the newest measurement may be
    hold_s:    how long a step may be inconclusive before the rollout goes back
    pods_s:    what pods get to be ready
    outage_s:  an outage of the cluster after which the rollout goes back; None: it goes on
    """

    strategy: Literal["canary", "replicas", "blue-green", "shadow"] = "canary"
    steps: tuple[Step, ...] = Field(
        default=(Step(weight_percent=5), Step(weight_percent=25), Step(weight_percent=50), Step(weight_percent=100)),
        min_length=1,
    )
    gates: tuple[Literal["answers", "warm_up"], ...] = ("answers", "warm_up")
    images_per_second: float | None = Field(default=None, gt=0)
    error_budget: str | None = "members-availability"
    prometheus: str | None = None
    metrics: tuple[MetricRule, ...] = Field(default=USUAL, min_length=1)
    sticky: Sticky | None = None
    stale_s: float = Field(default=120.0, gt=0, le=3600)
    hold_s: _Seconds = 1800.0
    pods_s: _Seconds = 600.0
    look_every_s: _Seconds = 15.0
    drain_s: _Seconds = 5.0
    outage_s: _Seconds | None = None

    @field_validator("error_budget")
    @classmethod
    def _objective(cls, name: str | None) -> str | None:
        known = [each.name for each in OBJECTIVES]
        if name is not None and name not in known:
            raise ValueError(f"it must be an objective: {', '.join(known)}, or null")
        return name

    @field_validator("prometheus")
    @classmethod
    def _address(cls, url: str | None) -> str | None:
        if url is not None:
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
                raise ValueError("it must be an address, as http://prometheus.monitoring:9090")
        return url

    @field_validator("metrics")
    @classmethod
    def _queries(cls, rules: tuple[MetricRule, ...]) -> tuple[MetricRule, ...]:
        names = [rule.name for rule in rules]
        if double := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two metrics are called {double}; rename one")
        for rule in rules:
            for query in (rule.query, rule.of or rule.query):
                found = set(Template(query).get_identifiers())
                if unknown := sorted(found - set(PLACEHOLDERS)):
                    raise ValueError(
                        f"the query of {rule.name} has ${unknown[0]}, not one of {', '.join(PLACEHOLDERS)}"
                    )
                if not {"track", "release"} & found:
                    raise ValueError(
                        f"the query of {rule.name} has neither $track nor $release, so both tracks are one"
                    )
                if "window" not in found:
                    raise ValueError(f"the query of {rule.name} has no $window, so it measures more than the step")
        return rules

    @model_validator(mode="after")
    def _routed(self) -> Self:
        if self.sticky is not None and self.strategy != "canary":
            raise ValueError(f"sticky is for the strategy canary; {self.strategy} has no share for a header to pass by")
        return self

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        weights = [step.weight_percent for step in self.steps]
        if weights != sorted(set(weights)):
            raise ValueError(f"weight_percent of the steps is {weights}; each step must have more than the one before")
        if self.strategy == "replicas" and weights == [100]:
            raise ValueError("by replicas the stable track keeps its pods: name a step of less than 100 percent")
        return self


def load_plan(text: str) -> Plan:
    """The plan that a YAML text says.

    Raises:
        UsageError: it says none; the message names the field and its line, its value and what is wrong.
    """
    try:
        _require_unique_keys(text)
        document = yaml.safe_load(text)
        return Plan.model_validate({} if document is None else document)
    except yaml.YAMLError as error:
        raise UsageError(f"the plan is not YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the plan"
        line = _line(text, first["loc"])
        if first["type"] == "missing":
            cure = _MISSING.get(str(first["loc"][-1]), "it must be there")
            raise UsageError(f"line {line}: {where} is missing: {cure}") from error
        raise UsageError(f"line {line}: {where} is {_shown(first['input'])}: {first['msg']}") from error


def plan_schema() -> dict[str, Any]:
    """The JSON schema of plans, for editors."""
    schema = Plan.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Plan of a Triptych rollout", **schema}


_MERGE = "tag:yaml.org,2002:merge"  # of the key `<<`, of which there may be several

_MISSING = {
    "condition": "say how much worse is too much, as condition: {tolerance: 0.01, limit: 0.04}",
    "tolerance": "say from how much worse on the rollout goes back, as tolerance: 0.01",
    "limit": "say how much worse must be ruled out before it goes on, as limit: 0.04",
    "query": "say how it is measured, in PromQL",
    "weight_percent": "say the candidate's share, as weight_percent: 5",
}


def _require_unique_keys(text: str) -> None:
    """Refuse a plan that gives a key of one mapping twice: PyYAML would silently take the last one.

    Raises:
        UsageError: it does; the message names the key and both lines.
        yaml.YAMLError: the text is not YAML.
    """
    waiting = [yaml.compose(text, Loader=yaml.SafeLoader)]
    seen: set[int] = set()  # an alias leads to a node that was there before, even to one that holds the alias
    while waiting:
        node = waiting.pop()
        if not isinstance(node, yaml.CollectionNode) or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
            continue
        lines: dict[str, int] = {}
        for key, value in node.value:
            waiting += (key, value)
            line, name = key.start_mark.line + 1, str(key.value)
            if name in lines and key.tag != _MERGE:
                raise UsageError(
                    f"line {line}: {_shown(name)} is given already in line {lines[name]}; keep one of them"
                )
            lines[name] = line


def _line(text: str, place: tuple[int | str, ...]) -> int:
    """Of the innermost part of `place` that the text has, from 1."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    line = node.start_mark.line + 1 if node else 1
    for part in place:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
