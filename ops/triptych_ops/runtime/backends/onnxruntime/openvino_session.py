"""OpenVINO in the place of an ONNX Runtime session, where `execution_accelerators` asks for it.

Its CPU plugin lays a graph out for one shape, so each batch size that is worth it has a compilation of its own. Float
stays float: a lower precision than the graph's own would be another release.
"""

import threading

import numpy as np
import openvino

SIZES = (2, 1)
"""Images of one run, largest first. On one thread two take 7.4 ms each, where one takes 8.1 and four take 8.0
(EfficientNet-Lite0, fp32); a compilation holds the weights once more."""


class OpenVinoSession:
    """`run` of `onnxruntime.InferenceSession`, for the graph at `path`. Thread-safe.

    threads: of one run; 0 for as many as OpenVINO thinks best
    at_once: runs at the same time
    sizes:   of the batches that have a compilation, largest first, down to 1
    """

    def __init__(self, path, *, threads, at_once=1, sizes=SIZES):
        core = openvino.Core()
        settings = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads * at_once,
            "NUM_STREAMS": at_once,
            "ENABLE_CPU_PINNING": False,  # several processes would be pinned to the same cores
        }
        self._compiled = {size: _of_size(core, path, size, settings) for size in sizes}
        self._local = threading.local()
        for size in sizes:  # the first run of a compilation sets up its memory
            shapes = {port.any_name: (port.shape, port.element_type) for port in self._compiled[size].inputs}
            self._run(size, {name: np.zeros(shape, kind.to_dtype()) for name, (shape, kind) in shapes.items()})

    def run(self, names, feeds):
        """The outputs `names`, each (N, …), for inputs (N, …)."""
        size, start, results = min(map(len, feeds.values())), 0, []
        while start < size:
            part = next(each for each in self._compiled if each <= size - start)
            results.append(self._run(part, {name: array[start : start + part] for name, array in feeds.items()}))
            start += part
        if len(results) == 1:
            return [results[0][name] for name in names]
        return [np.concatenate([result[name] for result in results]) for name in names]

    def _run(self, size, feeds):
        requests = self._local.__dict__.setdefault("requests", {})
        if size not in requests:
            requests[size] = self._compiled[size].create_infer_request()
        found = requests[size].infer(feeds, share_inputs=True)
        return {port.any_name: array for port, array in found.items()}


def _of_size(core, path, size, settings):
    model = core.read_model(path)
    model.reshape({port.any_name: [size, *port.partial_shape[1:]] for port in model.inputs})
    return core.compile_model(model, "CPU", settings)
