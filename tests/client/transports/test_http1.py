import time
from collections.abc import Iterator
from random import Random

import pytest

from triptych.transports import http1
from triptych.transports.http1 import Answer, AnswerReader, EndedEarlyError, NotHttpError, request

BODY = b"\x00body\r\n\r\nof any bytes\xff"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKS = b"1\r\n" + BODY[:1] + b"\r\n00A;name=value\r\n" + BODY[1:11] + b"\r\n%X\r\n" % (len(BODY) - 11)
CHUNKED = CHUNKS + BODY[11:] + b"\r\n0\r\nTrailer: 1\r\n\r\n"

# head and body, reusable
WHOLE = {
    "by its length": (b"HTTP/1.1 200 OK\r\n" + LENGTH + b"\r\n" + BODY, True),
    "in chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n" + CHUNKED, True),
    "in chunks with a length beside": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED,
        True,
    ),
    "after interim answers": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 200 OK\r\n"
        + LENGTH
        + b"\r\n"
        + BODY,
        True,
    ),
    "from an old server": (b"HTTP/1.0 200 OK\r\n" + LENGTH + b"\r\n" + BODY, False),
    "from one that closes": (b"HTTP/1.1 200 OK\r\nConnection: Close\r\n" + LENGTH + b"\r\n" + BODY, False),
    "without a reason": (b"HTTP/1.1 200\r\n" + LENGTH + b"\r\n" + BODY, True),
    "with bare newlines": (b"HTTP/1.1 200 OK\n" + LENGTH.replace(b"\r", b"") + b"\n" + BODY, True),
    "with a length twice": (b"HTTP/1.1 200 OK\r\n" + LENGTH + LENGTH + b"\r\n" + BODY, True),
}
UP_TO_THE_END = {
    "without a length": b"HTTP/1.1 200 OK\r\n\r\n" + BODY,
    "in another encoding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n" + BODY,
}


def pieces(data: bytes, sizes: Iterator[int]) -> Iterator[bytes]:
    while data:
        size = next(sizes)
        yield data[:size]
        data = data[size:]


def read(parts: Iterator[bytes] | list[bytes]) -> Answer:
    """The answer, which is whole with the last part and not before."""
    reader = AnswerReader()
    found = [reader.feed(part) for part in parts]
    assert found[:-1] == [None] * (len(found) - 1)
    assert found[-1] is not None
    return found[-1]


@pytest.mark.parametrize("name", WHOLE)
def test_an_answer_is_the_same_however_it_is_cut(name: str) -> None:
    data, reusable = WHOLE[name]
    draw = Random(name)  # noqa: S311
    cuts = [iter([len(data)]), iter([1] * len(data))]
    cuts += [iter([draw.randrange(1, 9) for _ in data]) for _ in range(20)]
    for sizes in cuts:
        answer = read(pieces(data, sizes))
        assert (answer.status, answer.body, answer.reusable) == (200, BODY, reusable)


@pytest.mark.parametrize("name", UP_TO_THE_END)
def test_a_body_without_a_measure_lasts_as_long_as_the_connection(name: str) -> None:
    answer = read([*pieces(UP_TO_THE_END[name], iter([7] * 99)), b""])
    assert (answer.body, answer.reusable) == (BODY, False)


@pytest.mark.parametrize("status", [204, 304])
def test_some_answers_have_no_body(status: int) -> None:
    answer = read([b"HTTP/1.1 %d None\r\nContent-Length: 99\r\n\r\n" % status])
    assert (answer.status, answer.body, answer.reusable) == (status, b"", True)


def test_headers_and_reason_are_read() -> None:
    answer = read([b"HTTP/1.1 503 Service  Unavailable \r\nRetry-After: 2\r\nX-A: \xe9\r\nContent-Length: 0\r\n\r\n"])
    assert (answer.status, answer.reason) == (503, "Service  Unavailable")
    assert (answer.headers["retry-after"], answer.headers["X-A"]) == ("2", "é")


def test_a_connection_with_bytes_that_nobody_asked_for_is_not_used_again() -> None:
    data, _ = WHOLE["by its length"]
    assert not read([data + b"H"]).reusable


@pytest.mark.parametrize("name", [*WHOLE, *UP_TO_THE_END])
def test_an_answer_that_ends_early_is_an_error(name: str) -> None:
    data = WHOLE[name][0] if name in WHOLE else UP_TO_THE_END[name].split(BODY)[0][:-1]
    for end in range(len(data)):
        reader = AnswerReader()
        if end:
            assert reader.feed(data[:end]) is None
        assert reader.begun == bool(end)
        with pytest.raises(EndedEarlyError):
            reader.feed(b"")


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00\x00\x12\x04\x00",  # HTTP/2's settings
        b"<",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.2 200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1200 OK\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 1e3\r\n\r\n",
        HEAD + b"Content-Length: \xb2\r\n\r\n",
        HEAD + b"Content-Length:\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nfive!",
        HEAD + b"Content-Length: 5, 6\r\n\r\nfive!",
        HEAD + b"Content-Length: %d\r\n\r\n" % (http1.MAX_BODY_BYTES + 1),
        HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFF\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 300,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n7FFFFFFF\r\n",
        HEAD + b"X: " + b"x" * http1.MAX_HEAD_BYTES,
        HEAD + b"X: 1\r\n" * 200 + b"\r\n",  # more headers than anybody sends
    ],
    ids=lambda data: repr(data[:60]),
)
def test_what_is_no_answer_is_refused(data: bytes) -> None:
    with pytest.raises(NotHttpError):
        AnswerReader().feed(data)


@pytest.mark.parametrize("head", [b"", b"Transfer-Encoding: chunked\r\n"])
def test_an_endless_answer_is_refused(head: bytes) -> None:
    reader = AnswerReader(max_body_bytes=1000)
    reader.feed(HEAD + head + b"\r\n")
    for _ in range(99):
        assert reader.feed(b"4\r\nmore\r\n") is None
    with pytest.raises(NotHttpError, match="no end"):
        reader.feed(b"4\r\nmore\r\n" * 200)


def test_many_small_chunks_are_read_in_no_time() -> None:
    count = 100_000
    data = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * count + b"0\r\n\r\n"
    began = time.monotonic()
    assert read([data]).body == b"x" * count
    assert time.monotonic() - began < 5.0  # where each is as much work as all before it, minutes


@pytest.mark.parametrize("seed", range(10))
def test_rubbish_is_refused_or_waited_for_and_nothing_else(seed: int) -> None:
    draw = Random(seed)  # noqa: S311
    wholes = [data for data, _ in WHOLE.values()]
    for _ in range(300):
        data = bytearray(draw.choice(wholes))
        for _ in range(draw.randrange(1, 4)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        reader = AnswerReader()
        try:
            answer = reader.feed(bytes(data)) or reader.feed(b"")
        except (NotHttpError, EndedEarlyError):
            continue
        assert answer is not None
        assert 200 <= answer.status <= 999


@pytest.mark.parametrize(
    ("method", "body", "sent"),
    [
        ("GET", b"", b"GET /v2 HTTP/1.1\r\nHost: h:1\r\nA: \xe9\r\n\r\n"),
        ("POST", b"", b"POST /v2 HTTP/1.1\r\nHost: h:1\r\nA: \xe9\r\nContent-Length: 0\r\n\r\n"),
        ("POST", b"\xff\n", b"POST /v2 HTTP/1.1\r\nHost: h:1\r\nA: \xe9\r\nContent-Length: 2\r\n\r\n\xff\n"),
    ],
)
def test_a_request(method: str, body: bytes, sent: bytes) -> None:
    assert request(method, "/v2", host="h:1", headers={"A": "é"}, body=body) == sent
