"""What an ONNX file says of itself: tensors, operators' domains, versions. Its weights are not read."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, BinaryIO

from triptych_ops.errors import OpsError

from .wire import Message, WireError, describe

if TYPE_CHECKING:
    from onnx import (
        AttributeProto,
        GraphProto,
        ModelProto,
        NodeProto,
        StringStringEntryProto,
        TensorProto,
        ValueInfoProto,
    )

# Fields by their numbers in onnx.proto.
_PAYLOAD = frozenset({4, 5, 6, 7, 9, 10, 11})  # float_data … raw_data … uint64_data
_TENSOR = Message({}, _PAYLOAD)
_SPARSE = Message({1: _TENSOR, 2: _TENSOR})


def _shape_of_model() -> Message:
    attributes: dict[int, Message] = {5: _TENSOR, 10: _TENSOR, 22: _SPARSE, 23: _SPARSE}
    attribute = Message(attributes)
    node = Message({5: attribute})
    graph = Message({1: node, 5: _TENSOR, 15: _SPARSE})
    attributes |= {6: graph, 11: graph}  # the branches of If and Loop are graphs
    function = Message({7: node, 11: attribute})  # its attributes have defaults
    return Message({7: graph, 25: function})


_MODEL = _shape_of_model()
_ONNX = ("", "ai.onnx")  # two names of one domain


@dataclass(frozen=True, slots=True)
class GraphTensor:
    """An input or output of a graph."""

    data_type: int  # onnx.TensorProto.DataType
    shape: tuple[int, ...] | None  # -1 where it varies; None where the graph does not say


@dataclass(frozen=True, slots=True)
class Graph:
    """An ONNX file without its weights."""

    ir_version: int
    opsets: Mapping[str, int]  # domain -> version
    inputs: Mapping[str, GraphTensor]  # without those that have a default
    optional: frozenset[str]  # inputs with a default, which need not be given
    outputs: Mapping[str, GraphTensor]
    operators: Mapping[str, str]  # domain -> one operator of it
    function_domains: frozenset[str]
    external: tuple[str, ...]  # tensors whose data lie elsewhere
    external_files: frozenset[str]  # where, as the graph says; nothing of it can be trusted
    claims: tuple[str, ...]  # tensors that are larger than the file, or sparse
    nodes: int
    unknown_operators: tuple[str, ...]  # of ONNX's own domain, that its opset does not have
    unmade: tuple[str, ...]  # tensors that are read, and that nothing makes
    made_twice: tuple[str, ...]


def read(file: BinaryIO, size_bytes: int) -> Graph:
    """The graph in an ONNX file.

    Raises:
        WireError: it is none.
        OSError: it cannot be read.
        OpsError: the package onnx is not installed.
    """
    from google.protobuf.message import DecodeError

    try:
        from onnx import ModelProto
    except ModuleNotFoundError as error:
        raise OpsError(f"ONNX files need the package {error.name}; run: pip install 'triptych[cli]'") from error
    description = describe(file, size_bytes, _MODEL)
    try:
        return _graph(ModelProto.FromString(description), size_bytes)
    except (DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise WireError("is no ONNX") from error


def _graph(model: "ModelProto", size_bytes: int) -> Graph:
    nodes = list(_nodes(model))
    attributes = [
        *(attribute for function in model.functions for attribute in function.attribute_proto),
        *(attribute for node in nodes for attribute in node.attribute),
    ]
    graphs = [model.graph, *_branches(attributes)]
    tensors = list(_tensors(graphs, attributes))
    defaults = {_text(tensor.name) for tensor in model.graph.initializer}
    inputs = {_text(given.name): _tensor(given) for given in model.graph.input}
    sparse = [sparse.values for graph in graphs for sparse in graph.sparse_initializer]
    excessive = [*sparse, *(tensor for tensor in tensors if not _fits(tensor.dims, size_bytes))]
    unmade: list[str] = []
    made_twice: list[str] = []
    _follow(model.graph, frozenset(), unmade, made_twice)
    return Graph(
        ir_version=model.ir_version,
        opsets={_text(opset.domain): opset.version for opset in model.opset_import},
        inputs={name: tensor for name, tensor in inputs.items() if name not in defaults},
        optional=frozenset(inputs.keys() & defaults),
        outputs={_text(output.name): _tensor(output) for output in model.graph.output},
        operators={_text(node.domain): _text(node.op_type) for node in nodes},
        function_domains=frozenset(_text(function.domain) for function in model.functions),
        external=tuple(_text(tensor.name) for tensor in tensors if _is_external(tensor)),
        external_files=frozenset(_text(entry.value) for tensor in tensors for entry in _locations(tensor)),
        claims=tuple(_text(tensor.name) for tensor in excessive),
        nodes=len(model.graph.node),
        unknown_operators=_unknown_operators(model),
        unmade=tuple(unmade),
        made_twice=tuple(made_twice),
    )


def _follow(graph: "GraphProto", outer: Set[str], unmade: list[str], made_twice: list[str]) -> None:
    """Collect the tensors of a graph and its branches that nothing makes, or two nodes do.

    Nodes may stand in any order, as ONNX Runtime takes them; a branch sees what is made around it.
    """
    known = {tensor.name for tensors in (graph.input, graph.initializer) for tensor in tensors}
    known |= {sparse.values.name for sparse in graph.sparse_initializer}
    for node in graph.node:
        for name in filter(None, node.output):
            if name in known:
                made_twice.append(_text(name))
            known.add(name)
    known |= outer
    for node in graph.node:
        unmade.extend(_text(name) for name in node.input if name and name not in known)
        for branch in _branches(node.attribute):
            _follow(branch, known, unmade, made_twice)
    unmade.extend(_text(output.name) for output in graph.output if output.name not in known)


def _unknown_operators(model: "ModelProto") -> tuple[str, ...]:
    from onnx import defs

    opset = max((each.version for each in model.opset_import if each.domain in _ONNX), default=0)
    own = {function.name for function in model.functions if function.domain in _ONNX}
    used = {node.op_type for node in _graph_nodes(model.graph) if node.domain in _ONNX} - own
    return tuple(sorted(_text(name) for name in used if not defs.has(_text(name), min(opset, newest()[1][""]), "")))


def _graph_nodes(graph: "GraphProto") -> Iterator["NodeProto"]:
    """The nodes of a graph and its branches, without those of functions, which name opsets of their own."""
    for node in graph.node:
        yield node
        for branch in _branches(node.attribute):
            yield from _graph_nodes(branch)


def _text(name: str | bytes) -> str:
    """A name in the graph. Protobuf gives bytes for what is no UTF-8, whatever the annotation says."""
    if isinstance(name, bytes):
        raise WireError(f"has a name that is no UTF-8: {name[:40]!r}")
    return name


def _nodes(model: "ModelProto") -> Iterator["NodeProto"]:
    """Every node, those of branches and functions included."""
    waiting = [*model.graph.node]
    for function in model.functions:
        waiting.extend(function.node)
        waiting.extend(node for graph in _branches(function.attribute_proto) for node in graph.node)
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(inner for graph in _branches(node.attribute) for inner in graph.node)


def _branches(attributes: Iterable["AttributeProto"]) -> Iterator["GraphProto"]:
    for attribute in attributes:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _tensors(graphs: Iterable["GraphProto"], attributes: Iterable["AttributeProto"]) -> Iterator["TensorProto"]:
    for graph in graphs:
        yield from graph.initializer
    for attribute in attributes:
        if attribute.HasField("t"):
            yield attribute.t
        yield from attribute.tensors
        for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
            yield sparse.values
            yield sparse.indices


def _tensor(value: "ValueInfoProto") -> GraphTensor:
    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        return GraphTensor(kind.elem_type, None)
    sizes = (size.dim_value if size.HasField("dim_value") else -1 for size in kind.shape.dim)
    return GraphTensor(kind.elem_type, tuple(sizes))


def _is_external(tensor: "TensorProto") -> bool:
    return bool(tensor.external_data) or tensor.data_location == 1  # EXTERNAL


def _locations(tensor: "TensorProto") -> Iterator["StringStringEntryProto"]:
    return (entry for entry in tensor.external_data if entry.key == "location")


def _fits(dims: Sequence[int], size_bytes: int) -> bool:
    """Whether a file can hold so many elements, of half a byte at least."""
    return all(size >= 0 for size in dims) and math.prod(dims) <= 2 * size_bytes


@cache
def newest() -> tuple[int, Mapping[str, int]]:
    """The newest IR version, and of each domain the newest opset, that can be read here."""
    from onnx import IR_VERSION
    from onnx.defs import onnx_opset_version

    return IR_VERSION, {"": onnx_opset_version(), "ai.onnx": onnx_opset_version()}
