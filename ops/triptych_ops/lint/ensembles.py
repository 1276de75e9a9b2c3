"""Rules of one ensemble: its steps as a graph of tensors, by names alone."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from tritonclient.grpc.model_config_pb2 import ModelEnsembling

from .findings import Finding
from .models import Form, Model

_STEPS = ("ensemble_scheduling", "step")


@dataclass(frozen=True)
class Ensemble:
    """An ensemble with its members, all in the form that one `--model-config-name` chooses."""

    form: Form
    form_name: str
    models: Mapping[str, Model] = field(repr=False)

    @cached_property
    def steps(self) -> tuple[ModelEnsembling.Step, ...]:
        """In the order of the configuration, which is not that of execution."""
        return tuple(self.form.config.ensemble_scheduling.step)

    @cached_property
    def members(self) -> Mapping[int, Form]:
        """The configuration of each step's model, without steps whose model is missing or cannot be read."""
        found = {}
        for index, step in enumerate(self.steps):
            model = self.models.get(step.model_name)
            if model and (form := model.form(self.form_name)):
                found[index] = form
        return found

    @cached_property
    def producers(self) -> Mapping[str, list[int | None]]:
        """Tensor -> the steps that produce it; None stands for an input of the ensemble."""
        found: defaultdict[str, list[int | None]] = defaultdict(list)
        for tensor in self.form.config.input:
            found[tensor.name].append(None)
        for index, step in enumerate(self.steps):
            for _, tensor_name in sorted(step.output_map.items()):
                found[tensor_name].append(index)
        return found

    @cached_property
    def consumed(self) -> frozenset[str]:
        """Tensors that a step reads."""
        return frozenset(name for step in self.steps for name in step.input_map.values())

    def found(self, code: str, message: str, step: int, *key: str | int) -> Finding:
        """A finding about a step."""
        return self.form.found(code, message, *_STEPS, step, *key)


def keys(ensemble: Ensemble) -> Iterator[Finding]:
    """An ensemble has steps, each with a model and both maps, and nothing that only an instance has."""
    config = ensemble.form.config
    if not ensemble.steps:
        yield ensemble.form.found("E315", "the ensemble has no steps", "ensemble_scheduling")
    for key in ("instance_group", "optimization", "model_warmup"):
        if config.HasField(key) if key == "optimization" else len(getattr(config, key)):
            yield ensemble.form.found("E317", f"an ensemble has no {key}", key)
    for index, step in enumerate(ensemble.steps):
        for missing in [key for key in ("model_name", "input_map", "output_map") if not getattr(step, key)]:
            yield ensemble.found("E315", f"step {index} has no {missing}", index)


def members(ensemble: Ensemble) -> Iterator[Finding]:
    """Each step's model is in the repository, and serves the version that the step names."""
    for index, step in enumerate(ensemble.steps):
        model = ensemble.models.get(step.model_name)
        if step.model_namespace or not step.model_name:  # of another repository; or said already
            continue
        if model is None:
            message = f"there is no model {step.model_name!r} in the repository"
            yield ensemble.found("E301", message, index, "model_name")
        elif member := ensemble.members.get(index):
            yield from _version(ensemble, index, model, model.kept(member))


def _version(ensemble: Ensemble, index: int, model: Model, kept: tuple[int, ...]) -> Iterator[Finding]:
    """The version that a step asks for is served. Where it names none, Triton reads 0: version 0, not the newest."""
    version = ensemble.steps[index].model_version
    written = ensemble.form.keys.find(*_STEPS, index, "model_version") is not None
    key = "model_version" if written else "model_name"
    if version != -1 and version not in kept:
        asked = f"version {version} of {model.name!r}"
        if not written:
            asked = f"step {index} names no model_version, which asks for {asked}: it"
        state = "kept by its version_policy" if version in model.versions else "on disk"
        yield ensemble.found("E302", f"{asked} is not {state}; served: {_listed(kept)}", index, key)
    elif not kept and model.versions:  # without any on disk, the model's own finding says so
        yield ensemble.found("E302", f"{model.name!r} serves no version at all", index, key)


def _names(tensors: Iterable[str]) -> str:
    return ", ".join(sorted(tensors)) or "none"


def _listed(versions: tuple[int, ...]) -> str:
    return ", ".join(map(str, versions)) or "none"


def maps(ensemble: Ensemble) -> Iterator[Finding]:
    """Maps name tensors that the member has, and leave no input without a tensor unless it is optional."""
    for index, member in ensemble.members.items():
        step = ensemble.steps[index]
        inputs = {tensor.name: tensor for tensor in member.config.input}
        outputs = {tensor.name for tensor in member.config.output}
        for side, known in (("input", inputs.keys()), ("output", outputs)):
            for name in sorted(getattr(step, f"{side}_map").keys() - known):
                message = f"step {index} maps {name!r}, which is no {side} of {member.path}; it has {_names(known)}"
                yield ensemble.found("E304", message, index, f"{side}_map", name)
        for name in sorted(inputs.keys() - step.input_map.keys()):
            if not inputs[name].optional:
                message = f"step {index} maps nothing to {name!r}, an input of {member.path}"
                yield ensemble.found("E303", message, index, "model_name")


def flow(ensemble: Ensemble) -> Iterator[Finding]:
    """Each tensor is produced once, and read."""
    form, producers = ensemble.form, ensemble.producers
    outputs = {tensor.name for tensor in form.config.output}
    for index, step in enumerate(ensemble.steps):
        for name, tensor in sorted(step.input_map.items()):
            if tensor not in producers:
                message = f"step {index} reads {tensor!r}, which nothing produces"
                yield ensemble.found("E305", message, index, "input_map", name)
        taken: set[str] = set()
        for name, tensor in sorted(step.output_map.items()):
            first = producers[tensor][0]
            if first != index or tensor in taken:
                source = "an input of the ensemble" if first is None else f"produced by step {first}"
                message = f"step {index} produces {tensor!r}, which is {source} already"
                yield ensemble.found("E306", message, index, "output_map", name)
            elif tensor not in ensemble.consumed and tensor not in outputs:
                message = f"step {index} produces {tensor!r}, which nothing reads"
                yield ensemble.found("E307", message, index, "output_map", name)
            taken.add(tensor)
    for position, output in enumerate(form.config.output):
        if output.name not in producers:
            message = f"the output {output.name!r} is produced by no step"
            yield form.found("E308", message, "output", position, "name")
    for position, given in enumerate(form.config.input):
        if given.name not in ensemble.consumed:
            message = f"the input {given.name!r} is read by no step"
            yield form.found("E310", message, "input", position, "name")


def order(ensemble: Ensemble) -> Iterator[Finding]:
    """Steps can be run one after the other."""
    producers = ensemble.producers
    waits = {
        index: [producers[tensor][0] for tensor in step.input_map.values() if tensor in producers]
        for index, step in enumerate(ensemble.steps)
    }
    try:
        TopologicalSorter(waits).prepare()  # the inputs of the ensemble are one more step, that waits for none
    except CycleError as error:
        circle: list[int] = error.args[1]
        steps = " -> ".join(f"{index} ({ensemble.steps[index].model_name!r})" for index in circle)
        yield ensemble.found("E309", f"steps wait for each other: {steps}", min(circle))


RULES: tuple[Callable[[Ensemble], Iterator[Finding]], ...] = (keys, members, maps, flow, order)


def circles(ensembles: Mapping[str, Ensemble]) -> Iterator[Finding]:
    """No ensemble contains itself."""
    parts = {name: [step.model_name for step in ensemble.steps] for name, ensemble in ensembles.items()}
    try:
        TopologicalSorter(parts).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        # The sorter tells the circle from part to whole.
        whole, part = circle[1], circle[0]
        index = parts[whole].index(part)
        message = f"ensembles contain each other: {' in '.join(map(repr, circle))}"
        yield ensembles[whole].found("E316", message, index, "model_name")
