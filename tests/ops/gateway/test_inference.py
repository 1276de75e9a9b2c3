"""Images in, JSON out."""

import pytest

from changed_answers import changed, put
from gateways import IMAGE, RunningGateway, form, running
from triptych import contract
from triptych.testing import FakeServer, class_id, label


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/png", "image/webp", "application/octet-stream", None])
def test_a_body_is_an_image(gateway: RunningGateway, media_type: str | None) -> None:
    answer = gateway.ask("POST", "/classify", b"a cat", {"Content-Type": media_type} if media_type else {})
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    document = answer.document
    assert document.keys() == {"predictions", "release", "request_id", "elapsed_s", "attempts"}
    assert document["predictions"][0] == {"class_id": class_id(b"a cat"), "label": label(b"a cat"), "score": 0.5}
    assert (len(document["predictions"]), document["release"], document["attempts"]) == (5, 7, 1)
    assert 0 < document["elapsed_s"] < 5


def test_either_protocol_of_the_server(server: FakeServer) -> None:
    with running(server.grpc_url) as gateway:
        assert gateway.classify(b"a dog").document["predictions"][0]["label"] == label(b"a dog")


def test_top_k(gateway: RunningGateway) -> None:
    assert len(gateway.classify(b"a cat", "/classify?top_k=2").document["predictions"]) == 2
    assert len(gateway.classify(b"a cat", "/classify?top_k=900").document["predictions"]) == 5


def test_an_embedding(gateway: RunningGateway) -> None:
    document = gateway.classify(b"x", "/embed").document
    assert document["vector"] == pytest.approx([class_id(b"x")] * 4)
    assert document["release"] == 7


def test_a_body_in_many_pieces_is_whole(gateway: RunningGateway) -> None:
    image = bytes(range(256)) * 4096  # 1 MiB
    answer = gateway.classify(image)
    assert answer.document["predictions"][0]["class_id"] == class_id(image)
    head = b"POST /classify HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n"
    with gateway.connect() as connection:
        connection.sendall(head + b"1\r\na\r\n" * 100 + b"0\r\n\r\n")
        received = connection.recv(65536)
    assert received.startswith(b"HTTP/1.1 200 ")
    assert label(b"a" * 100).encode() in received


def test_a_form_with_one_file_is_answered_like_a_body(gateway: RunningGateway) -> None:
    body, headers = form(("cat.jpg", b"a cat"))
    assert gateway.ask("POST", "/classify", body, headers).document["predictions"][0]["label"] == label(b"a cat")


@pytest.mark.parametrize(("path", "key"), [("/classify", "predictions"), ("/embed", "vector")])
def test_a_form_with_several_files_has_an_entry_each(gateway: RunningGateway, path: str, key: str) -> None:
    files = [(f"{number}.jpg", bytes([number]) * 100_000) for number in range(1, 12)]
    body, headers = form(*files)
    results = gateway.ask("POST", path, body, headers).document["results"]
    assert [entry["file"] for entry in results] == [name for name, _ in files]
    found = [entry["predictions"][0]["class_id"] if key == "predictions" else entry["vector"][0] for entry in results]
    assert found == pytest.approx([class_id(content) for _, content in files])


def test_a_bad_file_has_its_error_in_its_place(gateway: RunningGateway) -> None:
    body, headers = form(("a.jpg", b"a"), ("empty.jpg", b""), ("huge.jpg", bytes(21 << 20)), ("b.jpg", b"b"))
    answer = gateway.ask("POST", "/classify", body, headers)
    first, empty, huge, last = answer.document["results"]
    assert answer.status == 200
    assert first["predictions"][0]["label"] == label(b"a")
    assert last["predictions"][0]["label"] == label(b"b")
    assert empty == {"file": "empty.jpg", "error": {"code": "empty_image", "message": "the image has 0 bytes"}}
    assert huge["error"]["code"] == "image_too_large"


def test_the_callers_name_for_a_request_goes_through(gateway: RunningGateway, server: FakeServer) -> None:
    answer = gateway.classify(b"a cat", x_request_id="order-17/3")
    assert answer.headers["x-request-id"] == "order-17/3"
    assert server.headers[-1]["x-request-id"] == "order-17/3"


@pytest.mark.parametrize("seconds", ["1e1", "5E-1", "2.5e+0", "1e999", ".5", "5.", "12345678901234567890"])
def test_a_timeout_is_any_number_of_json_or_nearly(gateway: RunningGateway, seconds: str) -> None:
    assert gateway.ask("POST", f"/classify?timeout_s={seconds.replace('+', '%2B')}", b"a cat", IMAGE).status == 200
    assert gateway.ask("POST", "/classify", b"a cat", {**IMAGE, "x-timeout-s": seconds}).status == 200


@pytest.mark.parametrize("name", ["", "a b", "x" * 129, "a\tb", 'a"b', "é"])
def test_a_name_that_no_log_should_hold_is_replaced(gateway: RunningGateway, name: str) -> None:
    answer = gateway.ask("POST", "/classify", b"a cat", {**IMAGE, "x-request-id": name})
    assert answer.headers["x-request-id"] == answer.document["request_id"]
    assert "x-request-id" not in gateway.ask("GET", "/livez").document


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -0.5, 1.5])
def test_hostile_13_a_score_that_is_no_probability_is_a_bad_answer(gateway: RunningGateway, score: float) -> None:
    with changed(contract.SCORE, put(score)):
        answer = gateway.classify(b"a cat")
    assert (answer.status, answer.kind) == (502, "bad_answer")
    assert b"NaN" not in answer.body
    assert b"Infinity" not in answer.body
