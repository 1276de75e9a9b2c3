"""OpenVINO in the place of an ONNX Runtime session, where `execution_accelerators` asks for it.

Its CPU plugin lays a graph out for one shape: that of one image. A second layout for two images holds the weights once
more, takes a quarter of a second at each start, and served no more images a second. Floats stay floats: a lower
precision than the graph's own would be another release.
"""

import threading

import numpy as np
import openvino


class OpenVinoSession:
    """`run` of `onnxruntime.InferenceSession`, for the graph at `path`. Thread-safe.

    threads: of one run; 0 for as many as OpenVINO thinks best
    at_once: runs at the same time
    """

    def __init__(self, path, *, threads, at_once=1):
        core = openvino.Core()
        model = core.read_model(path)
        model.reshape({port.any_name: [1, *port.partial_shape[1:]] for port in model.inputs})
        settings = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads * at_once,
            "NUM_STREAMS": at_once,
            "ENABLE_CPU_PINNING": False,  # several processes would be pinned to the same cores
        }
        self._compiled = core.compile_model(model, "CPU", settings)
        self._local = threading.local()
        # The first run sets up the memory.
        self._run({port.any_name: np.zeros(port.shape, port.element_type.to_dtype()) for port in model.inputs})

    def run(self, names, feeds):
        """The outputs `names`, each (N, …), for inputs (N, …)."""
        size = min(map(len, feeds.values()))
        rows = [self._run({name: array[row : row + 1] for name, array in feeds.items()}) for row in range(size)]
        return [np.concatenate([row[name] for row in rows]) if size > 1 else rows[0][name] for name in names]

    def _run(self, feeds):
        if not hasattr(self._local, "request"):
            self._local.request = self._compiled.create_infer_request()
        found = self._local.request.infer(feeds, share_inputs=True)
        return {port.any_name: array for port, array in found.items()}
