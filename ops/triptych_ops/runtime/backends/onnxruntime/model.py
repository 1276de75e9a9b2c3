"""Triton backend `onnxruntime` for servers that lack the native one, as a python-based backend.

It serves any model whose config.pbtxt says `backend: "onnxruntime"` and honours the keys of the
native backend that apply on a CPU:

    default_model_filename                       model.onnx when absent
    parameters intra_op_thread_count             0 = one thread a physical core
               inter_op_thread_count, execution_mode (0 sequential, 1 parallel)
               enable_mem_arena, enable_mem_pattern
    optimization { graph { level } }             -1 basic, 1 extended, otherwise all

A key that would change the answer or the hardware (accelerators, GPU instances) is refused, not
ignored. Keys as documented in https://github.com/triton-inference-server/onnxruntime_backend.
"""

import json
import os
from pathlib import Path

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read at import: a server of people's images phones nobody

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils

_GRAPH_LEVELS = {
    -1: onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    0: onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
    1: onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
}


class TritonPythonModel:
    def initialize(self, args):
        config = json.loads(args["model_config"])
        if args["model_instance_kind"] != "CPU":
            raise pb_utils.TritonModelException(
                f"model {config['name']}: instance kind {args['model_instance_kind']} "
                "needs Triton's native onnxruntime backend"
            )
        filename = config.get("default_model_filename") or "model.onnx"
        path = Path(args["model_repository"]) / args["model_version"] / filename
        self._session = onnxruntime.InferenceSession(
            str(path), session_options(config), providers=["CPUExecutionProvider"]
        )
        self._inputs = [tensor["name"] for tensor in config["input"]]
        self._outputs = [tensor["name"] for tensor in config["output"]]

    def execute(self, requests):
        # The dynamic batcher hands over requests that may run as one batch: join, run once, split.
        batches = [
            [pb_utils.get_input_tensor_by_name(request, name).as_numpy() for name in self._inputs]
            for request in requests
        ]
        feeds = {
            name: tensors[0] if len(tensors) == 1 else np.concatenate(tensors)
            for name, tensors in zip(self._inputs, zip(*batches, strict=True), strict=True)
        }
        asked = [set(request.requested_output_names()) for request in requests]
        names = [name for name in self._outputs if any(name in outputs for outputs in asked)]
        try:
            results = dict(zip(names, self._session.run(names, feeds), strict=True))
        except Exception as error:  # the stub must outlive whatever the graph raises
            failure = pb_utils.TritonError(f"onnxruntime: {error}")
            return [pb_utils.InferenceResponse(output_tensors=[], error=failure) for _ in requests]

        responses, start = [], 0
        for batch, outputs in zip(batches, asked, strict=True):
            end = start + len(batch[0])
            responses.append(
                pb_utils.InferenceResponse(
                    output_tensors=[
                        pb_utils.Tensor(name, results[name][start:end]) for name in names if name in outputs
                    ]
                )
            )
            start = end
        return responses


def session_options(config):
    """`onnxruntime.SessionOptions` of a model configuration.

    Raises:
        TritonModelException: the configuration asks for an execution accelerator.
    """
    optimization = config.get("optimization", {})
    if any(optimization.get("execution_accelerators", {}).values()):
        raise pb_utils.TritonModelException(
            f"model {config['name']}: execution_accelerators need Triton's native onnxruntime backend"
        )
    parameters = {key: value["string_value"] for key, value in config.get("parameters", {}).items()}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(parameters.get("intra_op_thread_count", 0))
    options.inter_op_num_threads = int(parameters.get("inter_op_thread_count", 0))
    if parameters.get("execution_mode") == "1":
        options.execution_mode = onnxruntime.ExecutionMode.ORT_PARALLEL
    options.enable_cpu_mem_arena = parameters.get("enable_mem_arena", "1") != "0"
    options.enable_mem_pattern = parameters.get("enable_mem_pattern", "1") != "0"
    level = int(optimization.get("graph", {}).get("level", 0))
    options.graph_optimization_level = _GRAPH_LEVELS.get(level, _GRAPH_LEVELS[0])
    return options
