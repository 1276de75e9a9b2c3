"""The tensors inside a graph, each computed when it is asked for and dropped after its last use.

Quantised graphs (QDQ form) run as they are served: a node with the conversions around it is one int8 kernel.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Tensor = NDArray[Any]

_QUANTISE, _DEQUANTISE = "QuantizeLinear", "DequantizeLinear"


class Evaluation:
    """One pass of a batch through a graph; constants may be altered before the node that takes them has run."""

    def __init__(self, model: onnx.ModelProto, inputs: Mapping[str, Tensor]) -> None:
        self._model = model
        self._constants = {tensor.name: tensor for tensor in model.graph.initializer}
        self._makers = {name: node for node in model.graph.node for name in node.output}
        self._conversions = _following_conversions(model)  # by the name of the tensor before it
        self._values = dict(inputs)
        self._waiting: dict[str, set[str]] = {}  # tensor -> first outputs of the nodes yet to take it
        for node in model.graph.node:
            if node.op_type != _DEQUANTISE:
                for name in self._sources(node):
                    self._waiting.setdefault(name, set()).add(node.output[0])

    def maker(self, name: str) -> onnx.NodeProto | None:
        """The node that makes a tensor; None of an input or a constant."""
        return self._makers.get(name)

    def is_constant(self, name: str) -> bool:
        """Whether the graph holds this tensor."""
        return name in self._constants

    def constant(self, name: str) -> Tensor:
        """A tensor that the graph holds."""
        return numpy_helper.to_array(self._constants[name])

    def set_constant(self, name: str, value: Tensor) -> None:
        """Replace a tensor that the graph holds, in the model itself."""
        self._constants[name].CopyFrom(numpy_helper.from_array(value, name))

    def compute(self, name: str) -> Tensor:
        """A tensor of the whole batch, held until the last node that takes it has run; the codes of a converted one."""
        name = self._stored(name)
        wanted = [name]
        while wanted:
            if wanted[-1] in self._values:
                wanted.pop()
                continue
            node = self._maker_of_stored(wanted[-1])
            missing = [source for source in self._sources(node) if source not in self._values]
            if missing:
                wanted.extend(missing)
            else:
                self._run(node)
        return self._values[name]

    def real(self, name: str, images: slice) -> NDArray[np.float32]:
        """Some images of a computed tensor, as the node that takes it sees them."""
        values: Tensor = self._values[self._stored(name)][images]
        node = self._makers.get(name)
        if node is None or node.op_type != _DEQUANTISE:
            return values
        scale, zero = (self.constant(each) for each in node.input[1:3])
        return (values.astype(np.float32) - zero.astype(np.float32)) * scale

    def _stored(self, name: str) -> str:
        """The tensor held in place of this one: the codes of a converted one."""
        node = self._makers.get(name)
        return node.input[0] if node is not None and node.op_type == _DEQUANTISE else name

    def _maker_of_stored(self, name: str) -> onnx.NodeProto:
        node = self._makers[name]
        if node.op_type == _QUANTISE and self._conversions.get(node.input[0]) is node:
            return self._makers[node.input[0]]
        return node

    def _sources(self, node: onnx.NodeProto) -> Iterator[str]:
        """The tensors that must be there before a node can run."""
        for name in dict.fromkeys(node.input):
            stored = self._stored(name)
            if stored and stored not in self._constants:
                yield stored

    def _run(self, node: onnx.NodeProto) -> None:
        makers = (self._makers.get(name) for name in dict.fromkeys(node.input))
        nodes = [maker for maker in makers if maker is not None and maker.op_type == _DEQUANTISE] + [node]
        outputs = [name for name in node.output if name]
        after = self._conversions.get(node.output[0])
        if after is not None:
            nodes.append(after)
            outputs = list(after.output)
        sources = list(dict.fromkeys(self._sources(node)))
        taken = dict.fromkeys(name for each in nodes for name in each.input)
        graph = helper.make_graph(
            nodes,
            "part",
            [_described(name, self._values[name]) for name in sources],
            [onnx.ValueInfoProto(name=name) for name in outputs],
            [self._constants[name] for name in taken if name in self._constants],
        )
        part = helper.make_model(graph, opset_imports=self._model.opset_import, ir_version=self._model.ir_version)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors
        options.enable_cpu_mem_arena = False  # which would keep the largest tensors
        session = onnxruntime.InferenceSession(part.SerializeToString(), options, providers=["CPUExecutionProvider"])
        results = session.run(outputs, {name: self._values[name] for name in sources})
        self._values.update(zip(outputs, results, strict=True))
        for name in sources:
            self._waiting[name].discard(node.output[0])
            if not self._waiting[name]:
                del self._values[name]


def _following_conversions(model: onnx.ModelProto) -> dict[str, onnx.NodeProto]:
    """Tensors that nothing takes but their conversion to codes: kernels make the codes at once."""
    takers: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            takers.setdefault(name, []).append(node)
    made = {node.output[0] for node in model.graph.node if len(node.output) == 1 and node.op_type != _DEQUANTISE}
    outputs = {output.name for output in model.graph.output}
    return {
        name: nodes[0]
        for name, nodes in takers.items()
        if len(nodes) == 1 and nodes[0].op_type == _QUANTISE and name in made - outputs
    }


def _described(name: str, value: Tensor) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), [None] * value.ndim)
