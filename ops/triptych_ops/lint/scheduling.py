"""Rules of a configuration's scheduler and of the tensors that the scheduler itself makes, as Triton checks them.

Source: https://github.com/triton-inference-server/core/blob/main/src/model_config_utils.cc
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from tritonclient.grpc.model_config_pb2 import DataType, ModelSequenceBatching

from .data_types import file_problem
from .findings import Finding
from .models import Form, Model

_KINDS = ModelSequenceBatching.Control.Kind
_ID_TYPES = ("TYPE_UINT64", "TYPE_INT64", "TYPE_UINT32", "TYPE_INT32", "TYPE_STRING")
_VALUES = ("int32_false_true", "fp32_false_true", "bool_false_true")
_COUNT_TYPES = ("TYPE_INT32", "TYPE_FP32")
_STATES = ("sequence_batching", "state")


def priorities(form: Form) -> Iterator[Finding]:
    """Priority levels are counted from 1; preserved order allows for one only."""
    batching = form.config.dynamic_batching
    most = batching.priority_levels
    if not most:
        return
    key = "dynamic_batching"
    if not 1 <= batching.default_priority_level <= most:
        message = f"the default_priority_level is {batching.default_priority_level}, of {most} levels"
        yield form.found("E218", message, key, "default_priority_level", cure=f"write a level from 1 to {most}")
    for level in sorted(batching.priority_queue_policy):
        if not 1 <= level <= most:
            message = f"priority_queue_policy is for the level {level}, of {most}"
            yield form.found("E218", message, key, "priority_queue_policy", cure=f"write a key from 1 to {most}")
    if batching.preserve_ordering and most > 1:
        message = f"preserve_ordering allows for one priority level, not {most}"
        yield form.found("E218", message, key, "preserve_ordering", cure="remove preserve_ordering or priority_levels")


def controls(form: Form) -> Iterator[Finding]:
    """Each control tensor of a sequence has a name, one kind, and the two values or the type that its kind wants."""
    seen: dict[int, str] = {}
    names: set[str] = set()
    for index, given in enumerate(form.config.sequence_batching.control_input):
        key = ("sequence_batching", "control_input", index)
        if not given.name:
            yield form.found("E219", f"control input {index} has no name", *key, cure="give it a name")
        if given.name in names and given.control:
            message = f"the control input {given.name!r} is there twice"
            yield form.found("E219", message, *key, "name", cure="give each control input a name of its own")
        names.add(given.name)
        for control in given.control:
            kind = _KINDS.Name(control.kind) if control.kind in _KINDS.values() else str(control.kind)
            if control.kind in seen:
                message = f"{kind} is the control of {seen[control.kind]!r} and of {given.name!r}"
                yield form.found("E219", message, *key, cure="keep one control of each kind")
            seen[control.kind] = given.name
            if problem := _control_problem(control):
                yield form.found("E219", f"{kind} of {given.name!r} {problem[0]}", *key, cure=problem[1])


def _control_problem(control: ModelSequenceBatching.Control) -> tuple[str, str] | None:
    """What is wrong with it, and the cure."""
    given = [name for name in _VALUES if getattr(control, name)]
    if control.kind == ModelSequenceBatching.Control.CONTROL_SEQUENCE_CORRID:
        if given:
            return f"has {given[0]}", f"remove {given[0]}; this control has a data_type"
        if _type_name(control.data_type) not in _ID_TYPES:
            return f"is {_type_name(control.data_type)}", f"write as its data_type one of {', '.join(_ID_TYPES)}"
        return None
    if len(given) != 1:
        return f"has {' and '.join(given) or 'no values'}", f"write one of {', '.join(_VALUES)}"
    values = getattr(control, given[0])
    if len(values) != 2:
        return f"has {len(values)} values", f"write two values in {given[0]}: for false and for true"
    return None


def slots(form: Form) -> Iterator[Finding]:
    """The smallest utilization of slots is a share."""
    share = form.config.sequence_batching.direct.minimum_slot_utilization
    if share < 0 or share > 1:
        message = f"minimum_slot_utilization is {share:g}"
        key = ("sequence_batching", "direct", "minimum_slot_utilization")
        yield form.found("E219", message, *key, cure="write a share above 0, up to 1")


def states(form: Form, model: Model) -> Iterator[Finding]:
    """What a sequence starts with has a name, and the type, size and data of its state."""
    for index, state in enumerate(form.config.sequence_batching.state):
        for number, initial in enumerate(state.initial_state):
            label = f"the initial state of {state.input_name!r}"
            key = (*_STATES, index, "initial_state", number)
            if not initial.name:
                yield form.found("E219", f"{label} has no name", *key, cure="give it a name")
            if initial.data_type != state.data_type:
                message = f"{label} is {_type_name(initial.data_type)}, not {_type_name(state.data_type)}"
                yield form.found("E219", message, *key, cure="write the data_type of the state")
            dims = list(initial.dims)
            fits = len(dims) == len(state.dims) and all(
                mine > 0 and theirs in (-1, mine) for mine, theirs in zip(dims, state.dims, strict=True)
            )
            if not fits:
                message = f"{label} has the dims {dims}, the state {list(state.dims)}"
                yield form.found("E219", message, *key, "dims", cure="write the size of each dimension of the state")
            elif initial.WhichOneof("state_data") is None:
                yield form.found("E219", f"{label} has no data", *key, cure="write zero_data: true, or data_file")
            elif initial.data_file:
                problem = file_problem(model, f"initial_state/{initial.data_file}", initial.data_type, math.prod(dims))
                if problem:
                    yield form.found("E219", f"{label} {problem[0]}", *key, "data_file", cure=problem[1])


def batch_tensors(form: Form) -> Iterator[Finding]:
    """Tensors that are made for a whole batch are counts of one input, or pieces of one output."""
    config = form.config
    sides: Mapping[str, set[str]] = {
        "input": {tensor.name for tensor in config.input},
        "output": {tensor.name for tensor in config.output},
    }
    for index, given in enumerate(config.batch_input):
        key = ("batch_input", index)
        if _type_name(given.data_type) not in _COUNT_TYPES:
            message = f"batch_input {index} is {_type_name(given.data_type)}"
            yield form.found("E220", message, *key, cure=f"write as its data_type one of {', '.join(_COUNT_TYPES)}")
        yield from _sources(form, key, given.source_input, sides["input"])
    for index, produced in enumerate(config.batch_output):
        key = ("batch_output", index)
        if not produced.target_name:
            yield form.found("E220", f"batch_output {index} has no target_name", *key, cure="name an output")
        for target in produced.target_name:
            if target not in sides["output"]:
                message = f"batch_output {index} is for {target!r}, which is no output"
                yield form.found("E220", message, *key, cure=f"name one of {_listed(sides['output'])}")
        yield from _sources(form, key, produced.source_input, sides["input"])


def _sources(form: Form, key: tuple[str, int], sources: Sequence[str], known: set[str]) -> Iterator[Finding]:
    label = f"{key[0]} {key[1]}"
    if len(sources) != 1:
        yield form.found("E220", f"{label} has {len(sources)} source_input, not 1", *key, cure="name one source_input")
    for name in sources:
        if name not in known:
            message = f"{label} counts {name!r}, which is no input"
            yield form.found("E220", message, *key, cure=f"name one of {_listed(known)}")


def cache(form: Form) -> Iterator[Finding]:
    """Answers of a decoupled model, which may be any number, are not cached."""
    if form.config.response_cache.enable and form.config.model_transaction_policy.decoupled:
        message = "the response cache takes no answers of a decoupled model"
        yield form.found("E221", message, "response_cache")


def _type_name(data_type: int) -> str:
    return DataType.Name(data_type) if data_type in DataType.values() else str(data_type)


def _listed(names: set[str]) -> str:
    return ", ".join(map(repr, sorted(names))) or "none"


RULES: tuple[Callable[[Form], Iterator[Finding]], ...] = (priorities, controls, slots, batch_tensors, cache)
