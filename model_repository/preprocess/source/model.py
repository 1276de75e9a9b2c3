"""Triton model `preprocess`: IMAGE [N, 1] BYTES -> PIXELS [N, S, S, 3] UINT8 and IMAGE_ERROR [N, 1] BYTES.

Parameters of its configuration: `decoder` is pillow, or dali in the GPU form; `decode_threads` is how many images
Pillow decodes at once, 0 as many as there are cores.
"""

import json
import warnings
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import triton_python_backend_utils as pb_utils

from . import resampling, turbo
from .counters import HEALTH_ID, Counters
from .decoding import CODES, ImageRejectedError
from .image_pipeline import ImagePipeline
from .pillow_decoder import PillowDecoder

# Pillow warns of odd metadata, which does not touch the pixels; this process does nothing else.
warnings.simplefilter("ignore")


class TritonPythonModel:
    def initialize(self, args):
        given = json.loads(args["model_config"]).get("parameters", {})
        parameters = _DEFAULTS | {name: value["string_value"] for name, value in given.items()}
        decoder, threads = parameters["decoder"], parameters["decode_threads"]
        if decoder not in _DECODERS:
            raise pb_utils.TritonModelException(f"decoder {decoder!r} is none of {', '.join(_DECODERS)}")
        if not threads.isdecimal():
            raise pb_utils.TritonModelException(f"decode_threads {threads!r} is no number of threads; 0: one a core")
        folder = Path(args["model_repository"]) / args["model_version"]
        pipeline = ImagePipeline.from_file(folder / "preprocessing.json")
        self._side = pipeline.crop
        self._decoder = _DECODERS[decoder](pipeline, folder, args, PillowDecoder(pipeline, threads=int(threads)))
        self._counters = Counters(pb_utils, args["model_version"], map(_failures, CODES), _count)
        for package in (package for package, installed in _FAST.items() if not installed):
            pb_utils.Logger.log_warn(f"images take twice the time without {package}; pip install it")

    def execute(self, requests):
        batches = [pb_utils.get_input_tensor_by_name(request, "IMAGE").as_numpy().reshape(-1) for request in requests]
        decoded = iter(self._decoder.decode([body for bodies in batches for body in bodies]))  # (N, 1) each -> one list
        return [
            self._answer(list(islice(decoded, len(bodies))), counted=not request.request_id().startswith(HEALTH_ID))
            for request, bodies in zip(requests, batches, strict=True)
        ]

    def finalize(self):
        self._decoder.close()
        self._counters.close()

    def _answer(self, decoded, *, counted):
        rejected = [(index, item) for index, item in enumerate(decoded) if isinstance(item, ImageRejectedError)]
        if rejected and counted:
            self._counters.note([item.code for _, item in rejected])
        if len(rejected) == len(decoded):
            # With nothing to classify the whole request fails: a line an image.
            message = "\n".join(f"[{index}] {item}" for index, item in rejected)
            error = pb_utils.TritonError(message, pb_utils.TritonError.INVALID_ARG)
            return pb_utils.InferenceResponse(output_tensors=[], error=error)

        errors = np.full((len(decoded), 1), b"", dtype=np.object_)
        for index, item in rejected:
            errors[index, 0] = str(item).encode()
            decoded[index] = np.zeros((self._side, self._side, 3), dtype=np.uint8)
        pixels = decoded[0][np.newaxis] if len(decoded) == 1 else np.stack(decoded)  # one image is not copied
        return pb_utils.InferenceResponse(
            output_tensors=[pb_utils.Tensor("PIXELS", pixels), pb_utils.Tensor("IMAGE_ERROR", errors)]
        )


def _failures(code):
    return "triptych_image_errors_total", code


def _count(noted):
    return Counter(_failures(code) for codes in noted for code in codes)


def _pillow(pipeline, folder, args, pillow):  # noqa: ARG001  the same for every decoder
    return pillow


def _dali(pipeline, folder, args, pillow):
    try:
        from .dali_decoder import DaliDecoder  # the CPU form runs without DALI
    except ImportError as error:
        message = f"the GPU form needs DALI: {error}; pip install nvidia-dali-cuda130 into the server's image"
        raise pb_utils.TritonModelException(message) from error
    on_gpu = args["model_instance_kind"] == "GPU"
    return DaliDecoder(
        pipeline,
        pillow,
        graph=folder / f"decode.{'gpu' if on_gpu else 'cpu'}.dali",
        device_id=int(args["model_instance_device_id"]) if on_gpu else None,
        warn=pb_utils.Logger.log_warn,
    )


_DECODERS = {"pillow": _pillow, "dali": _dali}
_DEFAULTS = {"decoder": "pillow", "decode_threads": "0"}
_FAST = {"simplejpeg": turbo.FAST, "cykooz-resizer": resampling.FAST}
