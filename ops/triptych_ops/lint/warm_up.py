"""Rules of a model's warm-up: requests that the server sends itself must be such as the model takes."""

import math
from collections.abc import Iterator

from tritonclient.grpc.model_config_pb2 import DataType, ModelInput, ModelWarmup

from .data_types import file_problem
from .findings import Finding
from .models import Form, Model
from .shapes import agree

# Triton fills this many elements, and keeps every request in memory until all are sent.
_MOST_ELEMENTS = 1 << 31
_MOST_RUNS = 10_000


def warm_ups(form: Form, model: Model) -> Iterator[Finding]:
    """Each warm-up gives every input that is not optional, in its type and shape, and no other."""
    for index, warm_up in enumerate(form.config.model_warmup):
        label = f"warm-up {warm_up.name or index!r}"
        key = ("model_warmup", index)
        most = max(form.config.max_batch_size, 1)
        if warm_up.batch_size > most:
            message = f"{label} sends {warm_up.batch_size} in a batch where {most} fit"
            yield form.found("E214", message, *key, "batch_size", cure=f"write a batch_size of at most {most}")
        if warm_up.count > _MOST_RUNS:
            cure = f"write a count of at most {_MOST_RUNS}"
            yield form.found("E214", f"{label} is sent {warm_up.count} times", *key, "count", cure=cure)
        given = {tensor.name: tensor for tensor in form.config.input}
        for name in sorted(given.keys() - warm_up.inputs.keys()):
            if not given[name].optional:
                cure = f"add the input {name!r} to the warm-up"
                yield form.found("E214", f"{label} does not send the input {name!r}", *key, cure=cure)
        for name, data in sorted(warm_up.inputs.items()):
            place = (*key, "inputs", name)
            if name not in given:
                cure = "correct its name, or remove it from the warm-up"
                yield form.found("E214", f"{label} sends {name!r}, which is no input", *place, cure=cure)
                continue
            if problem := _problem(data, given[name]):
                yield form.found("E214", f"{label}, input {name!r}: {problem[0]}", *place, cure=problem[1])
            elif data.input_data_file:
                path, elements = f"warmup/{data.input_data_file}", math.prod(data.dims)
                if problem := file_problem(model, path, data.data_type, elements):
                    message = f"{label}, input {name!r}: {problem[0]}"
                    yield form.found("E214", message, *place, "value", "input_data_file", cure=problem[1])


def _problem(data: ModelWarmup.Input, tensor: ModelInput) -> tuple[str, str] | None:
    """What is wrong with it, and the cure."""
    if data.WhichOneof("input_data_type") is None:
        return "has neither zero_data, random_data nor input_data_file", "write zero_data: true"
    if data.data_type != tensor.data_type:
        expected = DataType.Name(tensor.data_type)
        return f"is {DataType.Name(data.data_type)}, not {expected}", f"write data_type: {expected}"
    dims = list(data.dims)
    if any(size < 1 for size in dims):
        return f"has the dims {dims}", "write each dimension as 1 or more"
    if math.prod(dims) > _MOST_ELEMENTS:
        return f"has the dims {dims}, more than a warm-up should fill", "write smaller dims"
    if not agree(dims, list(tensor.dims)):
        return f"has the dims {dims}, not {list(tensor.dims)}", "write the dims of the model's input"
    return None
