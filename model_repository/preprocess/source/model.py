"""Triton model `preprocess`: IMAGE [N, 1] BYTES -> PIXELS [N, S, S, 3] UINT8 and IMAGE_ERROR [N, 1] BYTES."""

import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import triton_python_backend_utils as pb_utils

from .image_pipeline import ImagePipeline, ImageRejectedError

# Pillow warns of odd metadata, which does not touch the pixels; this process does nothing else.
warnings.simplefilter("ignore")


class TritonPythonModel:
    def initialize(self, args):
        folder = Path(args["model_repository"]) / args["model_version"]
        self._pipeline = ImagePipeline.from_file(folder / "preprocessing.json")
        self._pool = ThreadPoolExecutor(len(os.sched_getaffinity(0)))

    def execute(self, requests):
        return [self._answer(request) for request in requests]

    def finalize(self):
        self._pool.shutdown()

    def _answer(self, request):
        bodies = pb_utils.get_input_tensor_by_name(request, "IMAGE").as_numpy().reshape(-1)  # (N, 1) -> (N,)
        # Pillow releases the interpreter lock while it decodes and resamples.
        map_images = map if len(bodies) == 1 else self._pool.map
        decoded = list(map_images(self._decode, bodies))
        rejected = [(index, item) for index, item in enumerate(decoded) if isinstance(item, ImageRejectedError)]
        if len(rejected) == len(decoded):
            # With nothing to classify the whole request fails: a line an image.
            message = "\n".join(f"[{index}] {item}" for index, item in rejected)
            error = pb_utils.TritonError(message, pb_utils.TritonError.INVALID_ARG)
            return pb_utils.InferenceResponse(output_tensors=[], error=error)

        side = self._pipeline.crop
        pixels = np.zeros((len(decoded), side, side, 3), dtype=np.uint8)
        errors = np.full((len(decoded), 1), b"", dtype=np.object_)
        for index, item in enumerate(decoded):
            if isinstance(item, ImageRejectedError):
                errors[index, 0] = str(item).encode()
            else:
                pixels[index] = item
        return pb_utils.InferenceResponse(
            output_tensors=[pb_utils.Tensor("PIXELS", pixels), pb_utils.Tensor("IMAGE_ERROR", errors)]
        )

    def _decode(self, body):
        try:
            return self._pipeline.pixels(body)
        except ImageRejectedError as rejected:
            return rejected
