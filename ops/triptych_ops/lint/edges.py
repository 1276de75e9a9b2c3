"""Rules of an ensemble's tensors: what one end writes is what the other reads."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tritonclient.grpc.model_config_pb2 import DataType, ModelInput, ModelOutput

from .ensembles import Ensemble
from .findings import Finding
from .models import Form
from .shapes import agree, with_batch

Key = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class _End:
    """One end of a tensor: an input or output of a member, or of the ensemble itself."""

    tensor: str  # as the ensemble calls it
    owner: str
    data_type: int
    dims: tuple[int, ...]
    batched: bool
    key: Key  # where the ensemble names it

    @property
    def shape(self) -> list[int]:
        return with_batch(self.dims, batched=self.batched)


def batches(ensemble: Ensemble) -> Iterator[Finding]:
    """No member that batches takes smaller batches than the ensemble."""
    most = ensemble.form.config.max_batch_size
    for index, member in ensemble.members.items():
        theirs = member.config.max_batch_size
        if 0 < theirs < most:
            message = f"the ensemble takes batches of {most}, step {index} ({member.path}) of {theirs}"
            yield ensemble.found("E313", message, index, "model_name")


def tensors(ensemble: Ensemble) -> Iterator[Finding]:
    """Each tensor is read in the type and shape that it was written in."""
    written: dict[str, _End] = {}
    for writer in _writers(ensemble):
        written.setdefault(writer.tensor, writer)
    for reader in _readers(ensemble):
        if reader.tensor in written:
            yield from _compare(ensemble.form, written[reader.tensor], reader)


def _writers(ensemble: Ensemble) -> Iterator[_End]:
    for position, tensor in enumerate(ensemble.form.config.input):
        yield _own(ensemble.form, tensor, ("input", position, "dims"))
    for index, member in ensemble.members.items():
        outputs = {output.name: output for output in member.config.output}
        for name, tensor in sorted(ensemble.steps[index].output_map.items()):
            if name in outputs:
                yield _members(
                    member, outputs[name], tensor, ("ensemble_scheduling", "step", index, "output_map", name)
                )


def _readers(ensemble: Ensemble) -> Iterator[_End]:
    for index, member in ensemble.members.items():
        inputs = {given.name: given for given in member.config.input}
        for name, tensor in sorted(ensemble.steps[index].input_map.items()):
            if name in inputs:
                yield _members(member, inputs[name], tensor, ("ensemble_scheduling", "step", index, "input_map", name))
    for position, output in enumerate(ensemble.form.config.output):
        yield _own(ensemble.form, output, ("output", position, "dims"))


def _own(form: Form, tensor: ModelInput | ModelOutput, key: Key) -> _End:
    dims = tensor.reshape.shape if tensor.HasField("reshape") else tensor.dims
    return _End(tensor.name, form.path, tensor.data_type, tuple(dims), form.batched, key)


def _members(form: Form, tensor: ModelInput | ModelOutput, name: str, key: Key) -> _End:
    return _End(name, f"{tensor.name} of {form.path}", tensor.data_type, tuple(tensor.dims), form.batched, key)


def _compare(form: Form, writer: _End, reader: _End) -> Iterator[Finding]:
    label, ends = f"tensor {reader.tensor!r}", f"written by {writer.owner}, read by {reader.owner}"
    if writer.data_type != reader.data_type:
        types = f"{DataType.Name(writer.data_type)} and {DataType.Name(reader.data_type)}"
        yield form.found("E311", f"{label} is {types}: {ends}", *reader.key)
    whole = agree(writer.shape, reader.shape)
    if not whole and not agree(writer.dims, reader.dims):
        yield form.found("E312", f"{label} is {writer.shape} and {reader.shape}: {ends}", *reader.key)
    elif not whole and form.batched and writer.batched:  # Triton adds and drops a batch of one, no other
        yield form.found("W314", f"{label} is {writer.shape} and {reader.shape}: {ends}", *reader.key)


RULES: tuple[Callable[[Ensemble], Iterator[Finding]], ...] = (batches, tensors)
