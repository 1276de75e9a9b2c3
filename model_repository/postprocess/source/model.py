"""Triton model `postprocess`: the K best classes of each image.

LOGITS [N, C] FP32, IMAGE_ERROR [N, 1] BYTES -> CLASS_ID, SCORE, LABEL [N, K], ERROR [N, 1]
"""

import json
from pathlib import Path

import numpy as np
import triton_python_backend_utils as pb_utils

from .answers import NOT_FINITE, Answers, Ranked
from .counters import HEALTH_ID, Counters
from .ranking import rank, read_labels

_NOT_FINITE = f"{NOT_FINITE}: the classifier's logits for this image are not finite numbers".encode()


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
        answers = Answers(labels)
        self._counters = Counters(pb_utils, args["model_version"], answers.known, answers.count)

    def execute(self, requests):
        # Triton hands over what waits. Joined, it is ranked at once: the calls take longer than the numbers.
        logits = [_input(request, "LOGITS") for request in requests]  # (N, C) each
        errors = np.concatenate([_input(request, "IMAGE_ERROR") for request in requests]).astype(np.object_)
        class_ids, scores = rank(np.concatenate(logits), self._k)
        labels = self._labels[class_ids]  # (N, K) class ids -> (N, K) labels

        not_finite = np.isnan(scores[:, :1]) & (errors == b"")
        errors[not_finite] = _NOT_FINITE
        failed = errors[:, 0] != b""
        class_ids[failed], scores[failed], labels[failed] = -1, 0.0, b""
        sizes = [len(rows) for rows in logits]
        ends = np.cumsum(sizes)
        asked = np.repeat([not request.request_id().startswith(HEALTH_ID) for request in requests], sizes)
        self._counters.note(Ranked(class_ids[asked, 0], scores[asked, 0], not_finite[asked, 0]))
        outputs = {"CLASS_ID": class_ids, "SCORE": scores, "LABEL": labels, "ERROR": errors}
        return [
            pb_utils.InferenceResponse([pb_utils.Tensor(name, rows[start:end]) for name, rows in outputs.items()])
            for start, end in zip([0, *ends[:-1]], ends, strict=True)
        ]

    def finalize(self):
        self._counters.close()


def _input(request, name):
    return pb_utils.get_input_tensor_by_name(request, name).as_numpy()
