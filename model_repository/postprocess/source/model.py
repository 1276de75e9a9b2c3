"""Triton model `postprocess`: the K best classes of each image.

LOGITS [N, C] FP32, IMAGE_ERROR [N, 1] BYTES -> CLASS_ID, SCORE, LABEL [N, K], ERROR [N, 1]
"""

import json
from pathlib import Path

import numpy as np
import triton_python_backend_utils as pb_utils

from .ranking import rank, read_labels

_NOT_FINITE = b"not_finite: the classifier's logits for this image are not finite numbers"


class TritonPythonModel:
    def initialize(self, args):
        folder = Path(args["model_repository"]) / args["model_version"]
        config = json.loads(args["model_config"])
        dims = {tensor["name"]: tensor["dims"] for tensor in config["input"] + config["output"]}
        self._k = int(dims["CLASS_ID"][0])
        labels = read_labels(folder / "labels.txt")
        if len(labels) != int(dims["LOGITS"][0]):
            raise pb_utils.TritonModelException(f"labels.txt has {len(labels)} labels for {dims['LOGITS'][0]} classes")
        self._labels = np.array([label.encode() for label in labels], dtype=np.object_)

    def execute(self, requests):
        return [self._answer(request) for request in requests]

    def _answer(self, request):
        logits = pb_utils.get_input_tensor_by_name(request, "LOGITS").as_numpy()
        errors = pb_utils.get_input_tensor_by_name(request, "IMAGE_ERROR").as_numpy().astype(np.object_)
        class_ids, scores = rank(logits, self._k)
        labels = self._labels[class_ids]  # (N, K) class ids -> (N, K) labels

        errors[np.isnan(scores[:, :1]) & (errors == b"")] = _NOT_FINITE
        failed = errors[:, 0] != b""
        class_ids[failed], scores[failed], labels[failed] = -1, 0.0, b""
        return pb_utils.InferenceResponse(
            output_tensors=[
                pb_utils.Tensor("CLASS_ID", class_ids),
                pb_utils.Tensor("SCORE", scores),
                pb_utils.Tensor("LABEL", labels),
                pb_utils.Tensor("ERROR", errors),
            ]
        )
