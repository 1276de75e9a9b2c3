"""Rules of one configuration by itself: what Triton would refuse, or read otherwise than its author meant."""

import difflib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence

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
        yield form.found("E205", message, "backend" if config.backend else "platform", cure=f'platform: "{ENSEMBLE}"')
    elif config.platform and config.platform not in PLATFORMS and not config.backend:
        yield form.found(
            "E205", f"there is no platform {config.platform!r}", "platform", cure=_nearest(config.platform, PLATFORMS)
        )
    elif not (chosen := backend_name(config)):
        yield form.found("E206", "names neither a backend nor a platform, so Triton guesses by the files")
    elif config.backend == ENSEMBLE:
        yield form.found("E205", "an ensemble is a platform, no backend", "backend", cure=f'platform: "{ENSEMBLE}"')
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
    elif -1 in dims or -1 in shape:
        if dims.count(-1) != shape.count(-1):
            yield form.found("E216", f"{label} of {dims} is reshaped to {shape}, with other variable sizes", *key)
    elif math.prod(dims) != math.prod(shape):
        yield form.found("E216", f"{label} of {dims} is reshaped to {shape}, another number of elements", *key)


def instances(form: Form) -> Iterator[Finding]:
    """Each group has an instance; a count that is left out is 1."""
    for index, group in enumerate(form.config.instance_group):
        written = form.keys.find("instance_group", index, "count")
        if group.count < 0 or (group.count == 0 and written):
            yield form.found(
                "E211", f"instance group {index} has {group.count} instances", "instance_group", index, "count"
            )


def versions(form: Form) -> Iterator[Finding]:
    """A policy keeps at least one version."""
    policy = form.config.version_policy
    if policy.HasField("latest") and policy.latest.num_versions < 1:
        yield form.found("E215", "keeps the latest 0 versions", "version_policy")
    if policy.HasField("specific") and not policy.specific.versions:
        yield form.found("E215", "keeps specific versions, and names none", "version_policy")


def _nearest(given: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(given, known := sorted(known), n=1)
    return f"write {near[0]!r}" if near else f"name one of {', '.join(known)}"


RULES: tuple[Callable[[Form], Iterator[Finding]], ...] = (
    name,
    backend,
    batching,
    tensors,
    instances,
    versions,
)
