"""Triton backend `onnxruntime` for servers that lack the native one, as a python-based backend.

It serves any model whose config.pbtxt says `backend: "onnxruntime"` and honours the keys of the
native backend that apply on a CPU:

    default_model_filename                       model.onnx when absent
    parameters intra_op_thread_count             threads of one run; 0 = one a physical core
               inter_op_thread_count, execution_mode (0 sequential, 1 parallel)
               enable_mem_arena, enable_mem_pattern
    optimization { graph { level } }             -1 basic, 1 extended, otherwise all
                 { execution_accelerators { cpu_execution_accelerator { name: "openvino" } } }

and one that the native backend lacks:

    parameters lone_threads                      threads of one run while no other instance of the model is at work;
                                                 intra_op_thread_count when absent. Both have to be given.

A key that would change the answer or the hardware (other accelerators, their parameters, GPU instances) is refused,
not ignored. Keys as documented in https://github.com/triton-inference-server/onnxruntime_backend.
"""

import json
import mmap
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import partial
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

_OPENVINO = {"cpu_execution_accelerator": [{"name": "openvino", "parameters": {}}]}

_LARGEST_PART = 4  # images of one run: more do not fit a core's cache, and take memory that is never given back


class TritonPythonModel:
    def initialize(self, args):
        config = json.loads(args["model_config"])
        if args["model_instance_kind"] != "CPU":
            raise pb_utils.TritonModelException(
                f"model {config['name']}: instance kind {args['model_instance_kind']} "
                "needs Triton's native onnxruntime backend"
            )
        folder = Path(args["model_repository"])
        path = folder / args["model_version"] / (config.get("default_model_filename") or "model.onnx")
        instance = int(args["model_instance_name"].rpartition("_")[2])  # classifier_0_1: of group 0, number 1
        parameters = _parameters(config)
        self._runner = Runner(
            opener(path, config),
            threads=int(parameters.get("intra_op_thread_count", 0)),
            lone_threads=int(parameters.get("lone_threads", 0)),
            open_presence=partial(Presence, folder / "presence", instance),
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
            results = dict(zip(names, self._runner.run(names, feeds), strict=True))
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


class Runner:
    """Runs batches of one graph, one after the other.

    On a CPU, instances of one thread each do more in a second than one instance of many threads, which wait for each
    other at every layer. But a lone image is answered soonest by all of them: so a run takes `lone_threads` while no
    other instance is at work, and `threads` otherwise. Only then is there a presence, a file beside the model: what
    has no `lone_threads` is served from a read-only folder, too.
    """

    def __init__(self, open_session, *, threads, lone_threads, open_presence):
        self._lone_threads = lone_threads if lone_threads > threads > 0 else 1
        self._shared = open_session(threads=threads, at_once=self._lone_threads)
        if self._lone_threads > 1:
            self._alone = open_session(threads=lone_threads)
            self._pool = ThreadPoolExecutor(lone_threads)
            self._presence = open_presence()

    def run(self, names, feeds):
        """The outputs `names`, each (N, …), for inputs (N, …)."""
        size = min(map(len, feeds.values()))
        with self._presence.at_work() if self._lone_threads > 1 else nullcontext(False) as alone:
            workers = self._lone_threads if alone else 1
            if size < workers:
                return self._alone.run(names, feeds)
            parts = [{name: array[start:end] for name, array in feeds.items()} for start, end in spans(size, workers)]
            run_each = self._pool.map if workers > 1 else map
            results = list(run_each(partial(self._shared.run, names), parts))
        return [np.concatenate(outputs) if len(outputs) > 1 else outputs[0] for outputs in zip(*results, strict=True)]


class Presence:
    """Which instances of a model are at work: a byte each, in a file that all of them map."""

    def __init__(self, path, instance):
        self._instance = instance
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.ftruncate(descriptor, mmap.PAGESIZE)
            self._marks = mmap.mmap(descriptor, mmap.PAGESIZE)
        finally:
            os.close(descriptor)
        self._marks[instance] = 0

    @contextmanager
    def at_work(self):
        """Whether this instance alone is at work, once it is."""
        alone = not any(self._marks[:])
        self._marks[self._instance] = 1
        try:
            yield alone
        finally:
            self._marks[self._instance] = 0


def spans(size, workers):
    """`size` images as parts: as many for each worker, nearly equal, none above the largest."""
    parts = min(size, workers * -(-size // (workers * _LARGEST_PART)))
    ends = [size * part // parts for part in range(1, parts + 1)]
    return list(zip([0, *ends[:-1]], ends, strict=True))


def _parameters(config):
    return {key: value["string_value"] for key, value in config.get("parameters", {}).items()}


def opener(path, config):
    """What opens sessions of the graph, by the threads of a run and how many runs there are at once.

    Raises:
        TritonModelException: the configuration asks for an accelerator that is none of a CPU, or not installed.
    """
    asked = config.get("optimization", {}).get("execution_accelerators", {})
    accelerators = {kind: chosen for kind, chosen in asked.items() if chosen}
    if not accelerators:
        return partial(_onnxruntime_session, path, config)
    if accelerators != _OPENVINO:
        raise pb_utils.TritonModelException(
            f"model {config['name']}: execution_accelerators {accelerators} need Triton's native onnxruntime backend"
        )
    try:
        from openvino_session import OpenVinoSession
    except ModuleNotFoundError as error:
        raise pb_utils.TritonModelException(
            f"model {config['name']}: its accelerator is missing ({error}); run: pip install openvino"
        ) from error
    return partial(OpenVinoSession, path)


def _onnxruntime_session(path, config, *, threads, at_once=1):  # noqa: ARG001  one session runs any number at once
    options = session_options(config)
    if threads != options.intra_op_num_threads:
        options.intra_op_num_threads = threads
        # Threads that spin between layers take the cores from those that decode the next image.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def session_options(config):
    """`onnxruntime.SessionOptions` of a model configuration."""
    parameters = _parameters(config)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(parameters.get("intra_op_thread_count", 0))
    options.inter_op_num_threads = int(parameters.get("inter_op_thread_count", 0))
    if parameters.get("execution_mode") == "1":
        options.execution_mode = onnxruntime.ExecutionMode.ORT_PARALLEL
    options.enable_cpu_mem_arena = parameters.get("enable_mem_arena", "1") != "0"
    options.enable_mem_pattern = parameters.get("enable_mem_pattern", "1") != "0"
    level = int(config.get("optimization", {}).get("graph", {}).get("level", 0))
    options.graph_optimization_level = _GRAPH_LEVELS.get(level, _GRAPH_LEVELS[0])
    return options
