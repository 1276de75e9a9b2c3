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
        # Triton hands over what waits. Joined, it is ranked at once: the calls take longer than the numbers.
        logits = [_input(request, "LOGITS") for request in requests]  # (N, C) each
        errors = np.concatenate([_input(request, "IMAGE_ERROR") for request in requests]).astype(np.object_)
        class_ids, scores = rank(np.concatenate(logits), self._k)
        labels = self._labels[class_ids]  # (N, K) class ids -> (N, K) labels

        errors[np.isnan(scores[:, :1]) & (errors == b"")] = _NOT_FINITE
        failed = errors[:, 0] != b""
        class_ids[failed], scores[failed], labels[failed] = -1, 0.0, b""
        ends = np.cumsum([len(rows) for rows in logits])
        outputs = {"CLASS_ID": class_ids, "SCORE": scores, "LABEL": labels, "ERROR": errors}
        return [
            pb_utils.InferenceResponse([pb_utils.Tensor(name, rows[start:end]) for name, rows in outputs.items()])
            for start, end in zip([0, *ends[:-1]], ends, strict=True)
        ]


def _input(request, name):
    return pb_utils.get_input_tensor_by_name(request, name).as_numpy()
