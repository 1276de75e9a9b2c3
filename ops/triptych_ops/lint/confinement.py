"""Rules of settings that let a configuration reach out of its repository, or bring code of its own."""

import re
from collections.abc import Callable, Iterator, Mapping

from .findings import Finding
from .models import Form
from .shell import is_plain

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_LIBRARY = re.compile(r"\.(so(\.\d+)*|dll|dylib)$")
_LIBRARY_KEY = re.compile(r"(?i)librar|(^|_)lib(_|$)|custom_op|plugin")
_SERVER_KEY = re.compile(r"(?i)^(TRITON|LD_|DYLD_|PYTHON|CUDA_|NVIDIA_|shm[-_]|shared[-_]?mem)")
_ENVIRONMENT_KEY = "EXECUTION_ENV_PATH"
# What an accelerator compiles is kept outside of a repository that is mounted read-only.
_CACHE_KEYS = {"trt_engine_cache_path", "trt_timing_cache_path"}
_CACHES = "/var/cache/"

Key = tuple[str | int, ...]

_MODEL_FILES = {"default_model_filename", "cc_model_filenames"}


def climbs(value: str) -> bool:
    """Whether a value is absolute, has a part `..`, names another system, or is no printable text."""
    return (
        value.startswith(("/", "\\", "~"))
        or ".." in re.split(r"[\\/]", value)
        or bool(_SCHEME.match(value) or _DRIVE.match(value))
        or not value.isprintable()
    )


def paths(form: Form) -> Iterator[Finding]:
    """What names a file stays in the model's folder."""
    for key, value in _paths(form):
        if climbs(value):
            yield form.found("E250", f"{key[0]} names {value!r}", *key)
        elif _LIBRARY.search(value):
            yield form.found("E251", f"{key[0]} names the library {value!r}", *key)


def _paths(form: Form) -> Iterator[tuple[Key, str]]:
    config = form.config
    yield ("default_model_filename",), config.default_model_filename
    for name, value in config.cc_model_filenames.items():
        yield ("cc_model_filenames", name), value
    for index, output in enumerate(config.output):
        yield ("output", index, "label_filename"), output.label_filename
    for index, warm_up in enumerate(config.model_warmup):
        for name, data in warm_up.inputs.items():
            yield ("model_warmup", index, "inputs", name, "value", "input_data_file"), data.input_data_file
    for index, state in enumerate(config.sequence_batching.state):
        for number, initial in enumerate(state.initial_state):
            yield ("sequence_batching", "state", index, "initial_state", number, "data_file"), initial.data_file


def names(form: Form) -> Iterator[Finding]:
    """The name of a model or a backend is a name, no path."""
    config = form.config
    if climbs(config.backend) or "/" in config.backend or "\\" in config.backend:
        yield form.found("E254", f"the backend is {config.backend!r}", "backend")
    if _is_path(config.name):
        yield form.found("E250", f"the model is called {config.name!r}", "name", cure="call it as its folder")
    elif not is_plain(config.name):
        yield form.found("E116", f"the model is called {config.name!r}", "name")
    for index, group in enumerate(config.instance_group):
        if not is_plain(group.name):
            yield form.found("E116", f"an instance group is called {group.name!r}", "instance_group", index, "name")
    for place, value in _paths(form):
        if place[0] in _MODEL_FILES and not is_plain(value.replace("/", "")):
            yield form.found("E116", f"the model's file is called {value!r}", *place)
    for index, step in enumerate(config.ensemble_scheduling.step):
        for key in ("model_name", "model_namespace"):
            if _is_path(getattr(step, key)):
                message = f"step {index} has the {key} {getattr(step, key)!r}"
                yield form.found(
                    "E250", message, "ensemble_scheduling", "step", index, key, cure="name a model of this repository"
                )


def _is_path(name: str) -> bool:
    return climbs(name) or "/" in name or "\\" in name or name.startswith(".")


def libraries(form: Form) -> Iterator[Finding]:
    """No shared objects, no runtimes, no agents: all of them are code that the server loads."""
    config = form.config
    for index, library in enumerate(config.model_operations.op_library_filename):
        message = f"loads the operators of {library!r}"
        yield form.found("E251", message, "model_operations", "op_library_filename", index)
    if config.runtime:
        yield form.found("E252", f"brings the runtime {config.runtime!r}", "runtime")
    if config.HasField("model_repository_agents") and not config.model_repository_agents.agents:
        message = "has model_repository_agents without any, which ends Triton at once"
        yield form.found("E255", message, "model_repository_agents")
    for index, agent in enumerate(config.model_repository_agents.agents):
        message = f"has the repository agent {agent.name!r} rewrite the model"
        yield form.found("E255", message, "model_repository_agents", "agents", index)


def parameters(form: Form) -> Iterator[Finding]:
    """Parameters of the model and of its accelerators: no paths out, no libraries, no server's settings."""
    for key, values in _parameters(form):
        for name, value in sorted(values.items()):
            place = (*key, name)
            if name.upper() == _ENVIRONMENT_KEY:
                yield form.found("E253", f"{name} is {value!r}", *place)
            elif _LIBRARY.search(value) or (value and _LIBRARY_KEY.search(name)):
                yield form.found("E251", f"the parameter {name!r} names {value!r}", *place)
            elif _SERVER_KEY.search(name):
                yield form.found("E256", f"the parameter {name!r} is no model's", *place)
            elif climbs(value.removeprefix(_CACHES) if name in _CACHE_KEYS else " ".join(value.splitlines())):
                yield form.found("E250", f"the parameter {name!r} is {value!r}", *place)


def _parameters(form: Form) -> Iterator[tuple[Key, Mapping[str, str]]]:
    config = form.config
    yield ("parameters",), {name: parameter.string_value for name, parameter in config.parameters.items()}
    accelerators = config.optimization.execution_accelerators
    for kind in ("gpu_execution_accelerator", "cpu_execution_accelerator"):
        for index, accelerator in enumerate(getattr(accelerators, kind)):
            yield ("optimization", "execution_accelerators", kind, index, "parameters"), dict(accelerator.parameters)


RULES: tuple[Callable[[Form], Iterator[Finding]], ...] = (paths, names, libraries, parameters)
