"""Rules of one configuration by itself: what Triton would refuse, or read otherwise than its author meant."""

import difflib
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from tritonclient.grpc.model_config_pb2 import ModelInput, ModelInstanceGroup

from .backends import BACKENDS, ENSEMBLE, PLATFORMS, backend_name
from .findings import Finding
from .models import Form

_MOST_ELEMENTS = 1 << 40  # of one tensor without its batch; more fits into no server's memory


def name(form: Form) -> Iterator[Finding]:
    """Triton refuses a model that is not called as its folder; without a name it takes the folder's."""
    if form.config.name not in ("", form.model):
        message = f"the model is called {form.config.name!r}, its folder {form.model!r}"
        yield form.found("E204", message, "name", cure=f'write name: "{form.model}"')


def backend(form: Form) -> Iterator[Finding]:
    """One of Triton's backends, by `backend` or by an old `platform`; an ensemble by its platform alone."""
    config = form.config
    if config.HasField("ensemble_scheduling") and (config.platform != ENSEMBLE or config.backend):
        message = f"an ensemble has the platform {ENSEMBLE!r} and no backend"
        cures = [
            *(["remove the backend"] if config.backend else []),
            *([f'write platform: "{ENSEMBLE}"'] if config.platform != ENSEMBLE else []),
        ]
        yield form.found("E205", message, "backend" if config.backend else "platform", cure=" and ".join(cures))
    elif config.platform in BACKENDS.keys() - PLATFORMS.keys() and not config.backend:
        message = f"{config.platform!r} is a backend, no platform"
        yield form.found("E205", message, "platform", cure=f'write backend: "{config.platform}" in its place')
    elif config.platform and config.platform not in PLATFORMS and not config.backend:
        yield form.found(
            "E205", f"there is no platform {config.platform!r}", "platform", cure=_nearest(config.platform, PLATFORMS)
        )
    elif not (chosen := backend_name(config)):  # said by layout.backend, which knows the files
        return
    elif config.backend == ENSEMBLE:
        cure = f'write platform: "{ENSEMBLE}" in its place'
        yield form.found("E205", "an ensemble is a platform, no backend", "backend", cure=cure)
    elif chosen not in BACKENDS:
        yield form.found("E205", f"there is no backend {chosen!r}", "backend", cure=_nearest(chosen, BACKENDS))
    elif config.platform and config.backend and config.backend != PLATFORMS.get(config.platform, config.backend):
        message = f"the platform {config.platform!r} is not of the backend {config.backend!r}"
        yield form.found("E205", message, "platform", cure="remove the platform")


def batching(form: Form) -> Iterator[Finding]:
    """Batch sizes that can be."""
    config = form.config
    most = config.max_batch_size
    if most < 0:
        yield form.found("E210", f"max_batch_size is {most}", "max_batch_size")
    if config.HasField("dynamic_batching"):
        if most == 0:
            yield form.found("W212", "dynamic_batching does nothing where max_batch_size is 0", "dynamic_batching")
        yield from _preferred(form, "dynamic_batching", config.dynamic_batching.preferred_batch_size)
    elif config.sequence_batching.HasField("oldest"):
        preferred = config.sequence_batching.oldest.preferred_batch_size
        yield from _preferred(form, "sequence_batching", preferred)


def _preferred(form: Form, key: str, sizes: Sequence[int]) -> Iterator[Finding]:
    most = form.config.max_batch_size
    path = (key, "oldest", "preferred_batch_size") if key == "sequence_batching" else (key, "preferred_batch_size")
    for index, size in enumerate(sizes):
        if size < 1 or 0 <= most < size:
            message = f"prefers batches of {size} where max_batch_size is {most}"
            yield form.found("E213", message, *path, index)


def tensors(form: Form) -> Iterator[Finding]:
    """Inputs and outputs have a name of their own, a type, and dimensions."""
    for side in ("input", "output"):
        seen: set[str] = set()
        for index, tensor in enumerate(getattr(form.config, side)):
            label = f"{side} {tensor.name!r}"
            if not tensor.name:
                yield form.found("E209", f"{side} {index} has no name", side, index)
            if not tensor.data_type:
                yield form.found("E209", f"{label} has no data_type", side, index)
            if tensor.name in seen:
                yield form.found("E207", f"{label} is there twice", side, index, "name")
            seen.add(tensor.name)
            yield from _dims(form, label, tensor.dims, side, index, "dims")
            if tensor.HasField("reshape"):
                yield from _reshape(form, label, side, index)


def _dims(form: Form, label: str, dims: Sequence[int], *key: str | int) -> Iterator[Finding]:
    if not dims:
        yield form.found("E208", f"{label} has no dims", *key)
    for index, size in enumerate(dims):
        if size < 1 and size != -1:
            yield form.found("E208", f"{label} has a dimension of {size}", *key, index)
    if math.prod(size for size in dims if size > 0) > _MOST_ELEMENTS:
        yield form.found("E208", f"{label} has more elements than any memory holds", *key)


def _reshape(form: Form, label: str, side: str, index: int) -> Iterator[Finding]:
    tensor = getattr(form.config, side)[index]
    dims, shape = list(tensor.dims), list(tensor.reshape.shape)
    key = (side, index, "reshape")
    if any(size < 1 and size != -1 for size in shape):
        yield form.found("E216", f"{label} is reshaped to {shape}", *key)
    elif not shape and form.config.max_batch_size == 0:
        yield form.found("E216", f"{label} is reshaped to a scalar without a batch", *key)
    elif dims.count(-1) != shape.count(-1):
        yield form.found("E216", f"{label} of {dims} is reshaped to {shape}, with other variable sizes", *key)
    elif _sizes_between_variables(dims) != _sizes_between_variables(shape):
        where = ", between their variable sizes" if -1 in dims else ""
        yield form.found("E216", f"{label} of {dims} is reshaped to {shape}, another number of elements{where}", *key)


def _sizes_between_variables(dims: Sequence[int]) -> list[int]:
    """Elements up to each -1, and after the last: Triton compares these, so a variable size keeps its place."""
    sizes = [1]
    for size in dims:
        if size == -1:
            sizes.append(1)
        else:
            sizes[-1] *= size
    return sizes


_LAYOUTS = {ModelInput.FORMAT_NHWC: "FORMAT_NHWC", ModelInput.FORMAT_NCHW: "FORMAT_NCHW"}
_LAYOUT_DIMS = 3  # without the batch


def tensor_options(form: Form) -> Iterator[Finding]:
    """Image layouts have three dimensions; shape tensors and vectorised layouts are TensorRT's."""
    for index, tensor in enumerate(form.config.input):
        if tensor.format in _LAYOUTS and len(tensor.dims) != _LAYOUT_DIMS:
            message = f"input {tensor.name!r} is {_LAYOUTS[tensor.format]} with {len(tensor.dims)} dims, not 3"
            cure = "write the three dims of one image, or remove the format"
            yield form.found("E217", message, "input", index, "format", cure=cure)
    if backend_name(form.config) == "tensorrt":
        return
    for side in ("input", "output"):
        for index, tensor in enumerate(getattr(form.config, side)):
            for option in ("is_shape_tensor", "is_non_linear_format_io"):
                if getattr(tensor, option):
                    message = f"{side} {tensor.name!r} has {option}, which only TensorRT takes"
                    yield form.found("E217", message, side, index, option, cure=f"remove {option}")


def instances(form: Form) -> Iterator[Finding]:
    """Each group has an instance; a count that is left out is 1."""
    for index, group in enumerate(form.config.instance_group):
        written = form.keys.find("instance_group", index, "count")
        if group.count < 0 or (group.count == 0 and written):
            yield form.found(
                "E211",
                f"instance group {index} has a count of {group.count}, and Triton makes one instance all the same",
                "instance_group",
                index,
                "count",
            )


_KINDS_WITHOUT_DEVICES = {ModelInstanceGroup.KIND_CPU: "KIND_CPU", ModelInstanceGroup.KIND_MODEL: "KIND_MODEL"}


def instance_kinds(form: Form) -> Iterator[Finding]:
    """Only groups on GPUs name GPUs, and only TensorRT's name profiles."""
    for index, group in enumerate(form.config.instance_group):
        key = ("instance_group", index)
        if group.kind not in ModelInstanceGroup.Kind.values():
            yield form.found(
                "E222", f"instance group {index} is of the kind {group.kind}", *key, "kind", cure="write KIND_CPU"
            )
        if group.gpus and group.kind in _KINDS_WITHOUT_DEVICES:
            message = f"instance group {index} is {_KINDS_WITHOUT_DEVICES[group.kind]} and names GPUs"
            yield form.found("E222", message, *key, "gpus", cure="remove gpus, or write KIND_GPU")
        if group.profile and backend_name(form.config) != "tensorrt":
            message = f"instance group {index} has a profile, which only TensorRT takes"
            yield form.found("E222", message, *key, "profile", cure="remove profile")


_INT32 = range(-(1 << 31), 1 << 31)


def parameter_values(form: Form) -> Iterator[Finding]:
    """Values of parameters that the backend reads when it loads the model, and refuses to guess."""
    chosen = backend_name(form.config)
    for name, parameter in sorted(form.config.parameters.items()):
        value = parameter.string_value
        cure = None
        if chosen == "python" and name == "FORCE_CPU_ONLY_INPUT_TENSORS" and value not in ("yes", "no"):
            cure = 'write "yes" or "no"'
        elif chosen == "onnxruntime" and name in ("intra_op_thread_count", "inter_op_thread_count"):
            cure = None if _is_int32(value) else 'write a whole number, "0" for one thread a core'
        if cure:
            yield form.found("E223", f"the parameter {name!r} is {value!r}", "parameters", name, cure=cure)


def _is_int32(text: str) -> bool:
    return re.fullmatch(r"[+-]?[0-9]{1,10}", text) is not None and int(text) in _INT32


def versions(form: Form) -> Iterator[Finding]:
    """A policy keeps at least one version."""
    policy = form.config.version_policy
    if policy.HasField("latest") and policy.latest.num_versions < 1:
        cure = "write num_versions: 1 or more, or leave out version_policy"
        yield form.found("E215", "keeps the latest 0 versions", "version_policy", cure=cure)
    if policy.HasField("specific") and not policy.specific.versions:
        yield form.found("E215", "keeps specific versions, and names none", "version_policy")


_SHORTEST_PART = 4  # letters of a name that say which is meant


def _nearest(given: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = [name for name in names if len(given) >= _SHORTEST_PART and given in name]
    if len(near) != 1:
        near = difflib.get_close_matches(given, names, n=1)
    return f"write {near[0]!r}" if near else f"name one of {', '.join(names)}"


RULES: tuple[Callable[[Form], Iterator[Finding]], ...] = (
    name,
    backend,
    batching,
    tensors,
    tensor_options,
    instances,
    instance_kinds,
    parameter_values,
    versions,
)
