import pytest

from loadtests.benchmark.http_messages import Answer, Frame, MalformedAnswerError, find_frame, get, parse_answer, post

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\nbody"


def test_a_request_says_how_long_its_body_is() -> None:
    request = post("/v2", b"\xff\xd8", headers={"Inference-Header-Content-Length": "0"})
    head, body = request.split(b"\r\n\r\n")
    assert head.splitlines() == [
        b"POST /v2 HTTP/1.1",
        b"Host: localhost",
        b"Content-Type: image/jpeg",
        b"Content-Length: 2",
        b"Inference-Header-Content-Length: 0",
    ]
    assert body == b"\xff\xd8"
    assert get("/stats") == b"GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_an_answer_is_framed_once_its_head_is_there() -> None:
    head_end = len(_ANSWER) - 4
    frames = [find_frame(_ANSWER[:size]) for size in range(len(_ANSWER) + 1)]
    assert frames == [None] * head_end + [Frame(head_end, len(_ANSWER), closes=False)] * 5


def test_a_whole_answer_is_parsed() -> None:
    frame = find_frame(_ANSWER)
    assert frame is not None
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4"
    assert parse_answer(_ANSWER, frame) == Answer(200, head, b"body")


@pytest.mark.parametrize(
    ("header", "closes"),
    [
        (b"Connection: close", True),
        (b"connection:close", True),
        (b"Connection: keep-alive", False),
        (b"X: close", False),
    ],
)
def test_whether_the_server_closes_is_read(header: bytes, closes: bool) -> None:
    frame = find_frame(b"HTTP/1.1 200 OK\r\n" + header + b"\r\nCONTENT-LENGTH: 0\r\n\r\n")
    assert frame is not None
    assert frame.closes is closes


@pytest.mark.parametrize(
    "received",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\ncontent-length: 4\r\n\r\n",
        b"SSH-2.0\r\nContent-Length: 4\r\n\r\n",
    ],
)
def test_what_names_no_length_is_no_answer(received: bytes) -> None:
    with pytest.raises(MalformedAnswerError):
        find_frame(received)


@pytest.mark.parametrize("received", [_ANSWER + b"!", _ANSWER[:-1], _ANSWER.replace(b"200", b"2x0")])
def test_an_answer_that_is_not_as_framed_is_refused(received: bytes) -> None:
    frame = find_frame(_ANSWER)
    assert frame is not None
    with pytest.raises(MalformedAnswerError):
        parse_answer(received, frame)
