import json

import numpy as np
import pytest

from loadtests.benchmark.answers import read_json, read_triton, right_classes
from loadtests.benchmark.http_messages import Answer
from loadtests.release_pipeline import Prediction


def triton(*outputs: tuple[str, bytes]) -> Answer:
    """What Triton answers to its raw binary request."""
    listed = [{"name": name, "parameters": {"binary_data_size": len(data)}} for name, data in outputs]
    header = json.dumps({"model_version": "1", "outputs": listed}).encode()
    head = f"HTTP/1.1 200 OK\r\nInference-Header-Content-Length: {len(header)}\r\nContent-Length: 9".encode()
    return Answer(200, head, header + b"".join(data for _, data in outputs))


def test_the_best_class_of_triton_is_found_among_its_outputs() -> None:
    class_ids = np.array([281, 282, 7], np.int32).tobytes()
    assert read_triton(triton(("EMBEDDING", b"\1" * 5120), ("CLASS_ID", class_ids), ("SCORE", b"\2" * 12))) == 281
    assert read_triton(triton(("CLASS_ID", np.array([-1], np.int32).tobytes()))) == -1


@pytest.mark.parametrize("answer", [triton(("SCORE", b"1234")), Answer(200, b"HTTP/1.1 200 OK", b"{}")])
def test_an_answer_of_triton_without_a_class_is_an_error(answer: Answer) -> None:
    with pytest.raises((KeyError, ValueError)):
        read_triton(answer)


def test_the_best_class_of_a_peer_is_its_first() -> None:
    assert read_json(Answer(200, b"", b'{"predictions": [{"class_id": 5}, {"class_id": 6}]}')) == 5


def test_a_class_that_is_as_good_as_the_best_is_right_too() -> None:
    rows = [Prediction(4, 0.370, "a"), Prediction(9, 0.367, "b"), Prediction(2, 0.2, "c")]
    assert right_classes(rows) == {4, 9}
    assert right_classes(rows[1:]) == {9}
