"""Rules of ONNX graphs, and of the configurations that serve them."""

from collections.abc import Container, Iterator, Mapping, Sequence

from tritonclient.grpc.model_config_pb2 import DataType, ModelInput, ModelOutput

from .backends import backend_name, model_file
from .findings import Finding
from .graphs import Graph, GraphTensor, newest, read
from .models import Form, Model
from .shapes import with_batch
from .shell import is_plain
from .tree import Entry, Tree
from .wire import WireError

# Domains whose operators are inside ONNX Runtime.
DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training", "com.microsoft"})
_LARGEST_SIZE = 1 << 31  # of one dimension
# https://onnxruntime.ai/docs/reference/compatibility.html: older ones may work, and often do not
_OLDEST_OPSET = 7
_SUFFIX = ".onnx"

# Triton's data type -> ONNX's, by their numbers.
_TYPES: Mapping[str, int] = {
    "TYPE_BOOL": 9,
    "TYPE_UINT8": 2,
    "TYPE_UINT16": 4,
    "TYPE_UINT32": 12,
    "TYPE_UINT64": 13,
    "TYPE_INT8": 3,
    "TYPE_INT16": 5,
    "TYPE_INT32": 6,
    "TYPE_INT64": 7,
    "TYPE_FP16": 10,
    "TYPE_FP32": 1,
    "TYPE_FP64": 11,
    "TYPE_STRING": 8,
    "TYPE_BF16": 16,
}
_NAMES = {number: name for name, number in _TYPES.items()}


def graphs(tree: Tree, refused: frozenset[str]) -> Iterator[tuple[str, Graph | Finding]]:
    """Every ONNX file of the repository by its path, each read once."""
    for path, entry in tree.entries.items():
        if path.endswith(_SUFFIX) and entry.is_plain and path not in refused:
            yield path, _read(tree, entry)


def _read(tree: Tree, entry: Entry) -> Graph | Finding:
    try:
        with tree.open(entry.path) as file:
            return read(file, entry.size_bytes)
    except WireError as error:
        return Finding.of("E401", entry.path, str(error))
    except OSError as error:
        return Finding.of("E115", entry.path, f"cannot be read: {error.strerror}")


def content(path: str, graph: Graph, present: Container[str]) -> Iterator[Finding]:
    """A graph that brings its weights and needs no code but ONNX Runtime's.

    present: paths of the repository's files
    """
    if not graph.nodes or not graph.opsets or not graph.outputs:
        yield Finding.of("E401", path, "holds no graph, or a part of one")
    if graph.external:
        yield _external(path, graph, present)
    for domain in sorted(graph.operators.keys() - DOMAINS - graph.function_domains):
        yield Finding.of("E403", path, f"the operator {graph.operators[domain]!r} is of the domain {domain!r}")
    for name in graph.unknown_operators:
        yield Finding.of("E403", path, f"the operator {name!r} is none of ONNX's, in its opset")
    for names, what in ((graph.unmade, "is read, and nothing makes it"), (graph.made_twice, "is made twice")):
        if names:
            yield Finding.of("E411", path, f"the tensor {names[0]!r} {what}")
    for domain in sorted(graph.function_domains - DOMAINS):
        yield Finding.of("E404", path, f"has functions of the domain {domain!r}")
    ir_version, opsets = newest()
    if graph.ir_version > ir_version:
        yield Finding.of("E409", path, f"is of IR version {graph.ir_version}; up to {ir_version} can be read")
    for domain, version in sorted(graph.opsets.items()):
        if version > opsets.get(domain, version):
            yield Finding.of("E409", path, f"is of opset {version}; up to {opsets[domain]} can be read")
    oldest = min((version for domain, version in graph.opsets.items() if domain in opsets), default=_OLDEST_OPSET)
    if oldest < _OLDEST_OPSET:
        message = f"is of opset {oldest}; ONNX Runtime reads {_OLDEST_OPSET} and newer"
        yield Finding.of("E409", path, message, cure=f"export with opset {_OLDEST_OPSET} or newer")
    tensors = {**graph.inputs, **graph.outputs}
    huge = [name for name, tensor in tensors.items() if any(size > _LARGEST_SIZE for size in tensor.shape or ())]
    for name in sorted({*graph.claims, *huge})[:1]:
        yield Finding.of("E410", path, f"the tensor {name!r} is sparse, or larger than the file")


def _external(path: str, graph: Graph, present: Container[str]) -> Finding:
    number, files = len(graph.external), sorted(graph.external_files)
    counted = "1 tensor" if number == 1 else f"{number} tensors"
    message = f"the data of {counted}, such as {graph.external[0]!r}, lie in {', '.join(map(repr, files)) or 'no file'}"
    folder, _, name = path.rpartition("/")
    if len(files) != 1 or not is_plain(files[0]):
        return Finding.of("E402", path, message)
    if f"{folder}/{files[0]}" not in present:
        return Finding.of("E402", path, f"{message}, which is missing")
    cure = (
        f'in its folder, run onnx.save(onnx.load("{name}"), "{name}") in Python, which takes the weights in, up to '
        f"2 GiB, and then remove {files[0]!r}"
    )
    return Finding.of("E402", path, message, cure=cure)


def external_files(path: str, graph: Graph) -> frozenset[str]:
    """The paths of the files beside a graph that it names for its weights."""
    folder = path.rpartition("/")[0]
    return frozenset(f"{folder}/{name}" for name in graph.external_files if is_plain(name))


def agreement(form: Form, model: Model, read_graphs: Mapping[str, Graph | Finding]) -> Iterator[Finding]:
    """The graph of each served version has the tensors of the configuration."""
    if backend_name(form.config) != "onnxruntime":
        return
    for version in model.kept(form):
        path = f"{model.name}/{version}/{model_file(form.config)}"
        graph = read_graphs.get(path)
        if isinstance(graph, Graph):
            yield from _compare(form, path, graph)


def _compare(form: Form, path: str, graph: Graph) -> Iterator[Finding]:
    config = form.config
    sides = (("input", config.input, {**graph.inputs}), ("output", config.output, {**graph.outputs}))
    for side, tensors, theirs in sides:
        for index, tensor in enumerate(tensors):
            if tensor.name in theirs:
                yield from _tensor(form, side, index, tensor, theirs[tensor.name], path)
            elif side == "output" or tensor.name not in graph.optional:
                message = f"{path} has no {side} {tensor.name!r}; it has {_listed(theirs)}"
                yield form.found("E405", message, side, index, "name")
    for name in sorted(graph.inputs.keys() - _given(form)):
        yield form.found("E405", f"{path} wants the input {name!r}, which the configuration lacks", "input")


def _given(form: Form) -> set[str]:
    """Every input that Triton gives the model."""
    sequence = form.config.sequence_batching
    return {
        *(tensor.name for tensor in form.config.input),
        *(control.name for control in sequence.control_input),
        *(state.input_name for state in sequence.state),
        *(name for batch in form.config.batch_input for name in batch.target_name),
    }


def _tensor(
    form: Form, side: str, index: int, tensor: ModelInput | ModelOutput, theirs: GraphTensor, path: str
) -> Iterator[Finding]:
    name = DataType.Name(tensor.data_type)
    if theirs.data_type != _TYPES.get(name, theirs.data_type):
        actual = _NAMES.get(theirs.data_type, f"ONNX type {theirs.data_type}")
        yield form.found("E406", f"{side} {tensor.name!r} is {name}; {path} has {actual}", side, index, "data_type")
    if theirs.shape is None or _varies_by_request(form, tensor):
        return
    dims = list(tensor.reshape.shape if tensor.HasField("reshape") else tensor.dims)
    mine, shape = with_batch(dims, batched=form.batched), list(theirs.shape)
    if form.batched and shape and shape[0] != -1 and len(shape) == len(mine):
        message = f"{side} {tensor.name!r} is batched; {path} has the fixed shape {shape}"
        yield form.found("E408", message, "max_batch_size")
        mine, shape = mine[1:], shape[1:]
    if not _fits(mine, shape, exactly=side == "output"):
        message = f"{side} {tensor.name!r} is {mine}; {path} has {shape}"
        yield form.found("E407", message, side, index, "dims")


def _varies_by_request(form: Form, tensor: ModelInput | ModelOutput) -> bool:
    """Whether Triton joins the requests of a batch in another way than along a first dimension."""
    ragged = isinstance(tensor, ModelInput) and tensor.allow_ragged_batch
    return ragged or any(tensor.name in batch.target_name for batch in form.config.batch_output)


def _fits(mine: Sequence[int], theirs: Sequence[int], *, exactly: bool) -> bool:
    """As Triton's ONNX Runtime backend has it: a graph's input may vary where the configuration does not."""
    if not theirs:  # a scalar
        return all(size in (-1, 1) for size in mine)
    return len(mine) == len(theirs) and all(
        their == my or (their == -1 and not exactly) for my, their in zip(mine, theirs, strict=True)
    )


def _listed(tensors: Mapping[str, GraphTensor]) -> str:
    return ", ".join(sorted(tensors)) or "none"
