"""A server that means ill: each attack on a client is ended by a bound, a check or the deadline; with controls."""

import asyncio
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from random import Random
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from callers import CALLERS, PROTOCOLS, Caller
from changed_answers import Change, changed, put
from triptych import AsyncClient, Client, ImageError, ProtocolError, Resilience, TriptychError, contract
from triptych.calls import answers
from triptych.inputs.sides import Sides
from triptych.testing import FakeServer
from triptych.transports import grpc_codec, http1, http_codec, http_errors, tensors, wording
from triptych.transports.http1 import AnswerReader, EndedEarlyError, NotHttpError

ONCE = Resilience.off()
DEADLINE_S = 0.15
OVERRUN_S = 0.05
TRIES = 3  # the least overrun counts: another process may take the processor's time
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

# what comes first, what comes for ever after, seconds between
ENDLESS: Mapping[str, tuple[bytes, bytes, float]] = {
    "trailers": (CHUNKED + b"0\r\n", b"X: y\r\n" * 10_000, 0.0),
    "dripping trailers": (CHUNKED + b"0\r\n", b"X: y\r\n", 0.01),
    "one trailer": (CHUNKED + b"0\r\n", b"X" * 60_000, 0.0),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 3000, 0.0),
    "headers": (HEAD, b"X: y\r\n" * 100, 0.0),
    "dripping headers": (HEAD, b"X: y\r\n", 0.01),
    "extensions of chunks": (CHUNKED, b"1;" + b"x" * 200 + b"\r\nx\r\n", 0.0),
    "one chunk's size": (CHUNKED, b"0", 0.01),
    "small chunks": (CHUNKED, b"1\r\nx\r\n" * 10_000, 0.0),
    "dripping chunks": (CHUNKED, b"1\r\nx\r\n", 0.01),
    "a dripping body": (HEAD + b"Content-Length: 60000000\r\n\r\n", b"x", 0.0),
}
REFUSED = {"trailers", "one trailer", "interim answers", "headers", "extensions of chunks"}
"""Those that are refused at once; the others are cut off by the deadline."""


@contextmanager
def endless(start: bytes, more: bytes, pause_s: float) -> Iterator[str]:
    """The URL of a server that answers each request so."""
    left = threading.Event()
    threads: list[threading.Thread] = []

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(start)
            while not left.wait(pause_s):
                connection.sendall(more)

    def accept() -> None:
        with suppress(OSError):  # the listener is closed
            while True:
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=answer, args=(connection,)))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            left.set()
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in threads:
                thread.join()


def name_of(caller: Caller) -> str:
    return next(name for name, each in CALLERS.items() if each is caller)


def attacked(caller: Caller, attack: tuple[bytes, bytes, float]) -> tuple[TriptychError, float]:
    """What a call ends with under this attack, and the seconds that it took."""
    with endless(*attack) as url, caller(url, resilience=ONCE, timeout_s=DEADLINE_S) as classify:
        began = time.monotonic()
        with pytest.raises(TriptychError) as caught:
            classify(b"image")
        return caught.value, time.monotonic() - began


@pytest.mark.parametrize("name", ENDLESS)
def test_hostile_13_an_endless_answer_keeps_nobody_beyond_the_deadline(caller: Caller, name: str) -> None:
    overruns_s = []
    for _ in range(TRIES):
        error, seconds = attacked(caller, ENDLESS[name])
        overruns_s.append(seconds - DEADLINE_S)
        if overruns_s[-1] <= OVERRUN_S:
            break
    ended = f"{type(error).__name__}, {1000 * min(overruns_s):+.0f} ms from the deadline"
    print(f"hostile 13: endless {name}, {name_of(caller)}: {ended}")
    assert min(overruns_s) <= OVERRUN_S
    assert isinstance(error, ProtocolError) == (name in REFUSED), error
    assert len(str(error)) < 500


@pytest.mark.parametrize("name", ["trailers", "interim answers", "extensions of chunks"])
def test_control_without_the_bound_it_goes_on_until_the_deadline(
    caller: Caller, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http1, "MAX_HEAD_BYTES", 1 << 40)
    monkeypatch.setattr(http1, "_MOST_FIELDS", 1 << 40)
    error, seconds = attacked(caller, ENDLESS[name])
    assert not isinstance(error, ProtocolError)
    assert seconds >= DEADLINE_S


class Rescanning(AnswerReader):
    """Control: looks for the trailer's end from its beginning each time, without a bound."""

    def _read_trailers(self) -> bytes | None:
        return b"" if re.match(rb"(?:[^\r\n]+\r\n)*\r\n", self._arrived) else None


def work_s(reader: AnswerReader, start: bytes, piece: bytes, count: int) -> float:
    """Seconds of the processor's time for so many pieces, or for those that are not refused."""
    began = time.process_time()
    with suppress(NotHttpError):
        reader.feed(start)
        for _ in range(count):
            reader.feed(piece)
    return time.process_time() - began


def test_hostile_13_trailers_cost_no_more_than_their_bytes() -> None:
    trailers = CHUNKED + b"0\r\n", b"X: y\r\n" * 2730, 64
    now_s, before_s = work_s(AnswerReader(), *trailers), work_s(Rescanning(), *trailers)
    print(
        f"hostile 13: 1 MiB of trailers: {1000 * now_s:.1f} ms; looked through anew each time {1000 * before_s:.0f} ms"
    )
    assert now_s < OVERRUN_S < before_s


WHITE = HEAD + b"X:" + b" " * 8000 + b"\rz\r\n\r\n"


def test_hostile_13_white_space_in_a_header_costs_no_more_than_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = work_s(AnswerReader(), WHITE, b"", 0)
    monkeypatch.setattr(http1, "_FIELD", re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*)\r?\n"))
    before_s = work_s(AnswerReader(), WHITE, b"", 0)
    print(f"hostile 13: 8 kB of white space: {1000 * now_s:.1f} ms; backtracking {1000 * before_s:.0f} ms")
    assert now_s < OVERRUN_S < before_s


@pytest.mark.parametrize(
    "words",
    ["x" + "\n" * 1_000_000, "stub process " * 100_000, "'" * 999_999, "x" * 1_000_000, '\n File "' * 100_000],
    ids=lambda words: repr(words[:16]),
)
def test_hostile_13_the_words_of_a_failure_are_read_in_no_time(words: str) -> None:
    began = time.process_time()
    line = wording.first_line(words)
    wording.meaning(words)
    assert time.process_time() - began < OVERRUN_S
    assert len(line) <= 321


@pytest.mark.parametrize("draws", range(4))
def test_hostile_13_mutated_answers_are_read_alike_however_they_are_cut(draws: int) -> None:
    seeds = [
        HEAD + b"Content-Length: 5\r\nX: y\r\n\r\nwhole",
        CHUNKED + b"2;a=b\r\nwh\r\n3\r\nole\r\n0\r\nX: y\r\nZ: z\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + HEAD + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nwhole",
        HEAD + b"\r\nwhole",
    ]
    tokens = [
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b":",
        b";",
        b" ",
        b"0\r\n",
        b"\r\n\r\n",
        b"FFFFFFF\r\n",
        b"9" * 300,
        b"\xb2",
    ]
    tokens += [
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 3\r\n",
        b"HTTP/1.1 100 C\r\n\r\n",
        b"X: y\r\n" * 101,
    ]
    draw = Random(draws)  # noqa: S311
    kinds: dict[str, int] = {}
    began = time.process_time()
    for _ in range(150):
        data = draw.choice(seeds)
        for _ in range(draw.randrange(1, 4)):
            start, end = sorted(draw.randrange(len(data) + 1) for _ in range(2))
            change = draw.randrange(4)
            if change == 0:
                data = data[:start] + draw.choice(tokens) + data[start:]
            elif change == 1:
                data = data[:start] + data[min(end, start + 8) :]
            elif change == 2:
                data = data[:end] + data[start:end] * draw.randrange(1, 4) + data[end:]
            else:
                data = data[:start] + draw.choice(tokens) + data[min(end, start + 4) :]
        outcomes = {read(data, size) for size in (len(data) or 1, 1, 7)}
        assert len(outcomes) == 1, data
        kind = outcomes.pop()[0]
        kinds[kind] = kinds.get(kind, 0) + 1
    seconds = time.process_time() - began
    print(f"hostile 13: 150 mutated answers (seed {draws}), {seconds:.2f} s: {kinds}")
    assert {*kinds} == {"whole", "NotHttpError", "EndedEarlyError"}
    assert seconds < 5


def read(data: bytes, size: int) -> tuple[str, bytes]:
    """What comes of an answer that arrives in pieces of this size, after which the connection ends."""
    reader = AnswerReader()
    try:
        for start in range(0, len(data), size):
            answer = reader.feed(data[start : start + size])
            if answer is not None:
                return "whole", answer.body
        answer = reader.feed(b"")
    except (NotHttpError, EndedEarlyError) as error:
        return type(error).__name__, b""
    assert answer is not None
    return "whole", answer.body


VERSIONS = ["9" * 6000, "9" * 19, "-7", "0", "", "٣", "7\x1b[2J", "1_0", "NaN"]

VALUES: Mapping[str, tuple[str, Change]] = {
    "NaN": (contract.SCORE, put(np.nan)),
    "infinite": (contract.SCORE, put(np.inf)),
    "negative": (contract.SCORE, put(-0.01)),
    "above one": (contract.SCORE, put(1.01)),
    "out of order": (contract.SCORE, put(0.0)),
    "no class": (contract.CLASS_ID, put(-1)),
}


def refused(error: TriptychError) -> str:
    """The message of an error, which is one short line without anything that a terminal obeys."""
    assert isinstance(error, ProtocolError | ImageError)
    assert str(error).isprintable()
    assert len(str(error)) < 500
    return str(error)


def test_hostile_13_a_release_that_is_no_number(caller: Caller, protocol: str) -> None:
    lengths = []
    with FakeServer() as server, caller(PROTOCOLS[protocol](server), resilience=ONCE) as classify:
        for version in VERSIONS:
            server.release = version  # type: ignore[assignment]
            with pytest.raises(ProtocolError, match="is not a release number") as caught:
                classify(b"image")
            lengths.append(len(refused(caught.value)))
    print(f"hostile 13: {len(lengths)} of {len(VERSIONS)} releases refused over {protocol}, {name_of(caller)}")


def test_hostile_13_values_outside_of_the_contract(caller: Caller, protocol: str) -> None:
    messages = []
    for output, change in VALUES.values():
        with (
            changed(output, change),
            FakeServer() as server,
            caller(PROTOCOLS[protocol](server), resilience=ONCE) as classify,
            pytest.raises(ProtocolError, match=f"output {output}") as caught,
        ):
            classify(b"image")
        messages.append(refused(caught.value))
    print(f"hostile 13: {len(messages)} of {len(VALUES)} values refused over {protocol}, {name_of(caller)}")


def test_control_without_the_check_a_result_is_no_json(
    caller: Caller, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "_check_ranking", lambda *_: None)
    with (
        changed(*VALUES["NaN"]),
        FakeServer() as server,
        caller(PROTOCOLS[protocol](server), resilience=ONCE) as classify,
    ):
        assert "NaN" in json.dumps(classify(b"image").to_dict())


@pytest.mark.parametrize("score", [1.0000002, -0.0000002])
def test_what_rounding_alone_does_to_a_score_is_put_right(caller: Caller, protocol: str, score: float) -> None:
    def change(scores: NDArray[Any]) -> None:
        scores[:] = score

    with changed(contract.SCORE, change), FakeServer() as server, caller(PROTOCOLS[protocol](server)) as classify:
        assert classify(b"image").top.score == round(score)


def test_two_scores_that_rounding_alone_puts_out_of_order_are_taken(caller: Caller, protocol: str) -> None:
    with (
        changed(contract.SCORE, put(0.2499999)),
        FakeServer() as server,
        caller(PROTOCOLS[protocol](server)) as classify,
    ):
        assert classify(b"image").top.score == pytest.approx(0.25)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_hostile_13_an_embedding_that_is_not_finite(protocol: str, value: float) -> None:
    async def main(url: str) -> None:
        async with AsyncClient(url) as client:
            await client.embed(b"image")

    with changed(contract.EMBEDDING, put(value)), FakeServer() as server:
        url = PROTOCOLS[protocol](server)
        with Client(url) as client, pytest.raises(ProtocolError, match="EMBEDDING has numbers that are not finite"):
            client.embed(b"image")
        with pytest.raises(ProtocolError, match="EMBEDDING has numbers that are not finite"):
            asyncio.run(main(url))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (b"x" * 100_000 + b": it is bad", "rejected"),
        ("löschen: it is bad".encode(), "rejected"),
        (b"corrupt_image: \x1b[2J\x1b]0;owned\x07 it is bad\r\nand worse", "corrupt_image"),
        (b"corrupt_image: " + b"bad " * 100_000, "corrupt_image"),
        (b"\xff\xfe: \xff", "rejected"),
    ],
    ids=["a long code", "a code beyond ASCII", "escape sequences", "a long message", "no UTF-8"],
)
def test_hostile_13_the_error_of_an_image(caller: Caller, protocol: str, error: bytes, code: str) -> None:
    with (
        changed(contract.ERROR, put(error)),
        FakeServer() as server,
        caller(PROTOCOLS[protocol](server)) as classify,
        pytest.raises(ImageError) as caught,
    ):
        classify(b"image")
    refused(caught.value)
    assert caught.value.code == code
    assert len(caught.value.message) <= 321


@pytest.mark.parametrize("index", ["9" * 6000, "٣", "9999999"])
def test_hostile_13_the_number_of_a_rejected_image(index: str) -> None:
    assert contract.parse_rejections(f"[0] corrupt_image: bad\n[{index}] corrupt_image: bad") == {
        0: ("corrupt_image", "bad")
    }


@pytest.mark.parametrize("text", ["9" * 6000, "٣", "-1", "1.5", " 1"])
def test_hostile_13_numbers_of_the_configuration_and_of_the_version(text: str) -> None:
    assert contract.positive_number(text) is None
    sides = Sides()
    sides.saw(text)
    assert sides.must_ask(True) == Sides().must_ask(True)
    assert not grpc_codec.cancels_safely(f"{text}.99")


def described(**changes: Any) -> tuple[bytes, str]:
    """Triton's answer over HTTP with one output."""
    output = {"name": "SCORE", "datatype": "FP32", "shape": [1, 1], "parameters": {"binary_data_size": 4}}
    head = json.dumps({"model_version": "1", "id": "x", "outputs": [output | changes]}).encode()
    return head + b"\0\0\0\0", str(len(head))


@pytest.mark.parametrize(
    ("body", "length"),
    [
        (b"\xff" * 1_000_000, None),
        (b"[" * 1_000_000, None),
        (b'{"outputs": [], "model_version": "\\ud800"}', None),
        (b'{"outputs": [], "model_version": 7}', None),
        (b'{"outputs": [], "model_version": "1", "id": ' + b"9" * 5000 + b"}", None),
        (b'{"outputs": [], "model_version": "1"}' + b" " * http_codec.MAX_HEADER_BYTES, None),
        (b'{"outputs": [], "model_version": "1"}', "9" * 5000),
        (b'{"outputs": [], "model_version": "1"}', "٣٧"),
        described(shape=[-1, 1]),
        described(shape=[True, 1]),
        described(shape=[1] * 10_000),
        described(shape=["\x1b[2J", 1]),
        described(datatype="\x1b[2J" * 5000),
        described(datatype="BF99"),
        described(parameters={"binary_data_size": -4}),
        described(parameters={"binary_data_size": 1e9}),
        described(parameters={"binary_data_size": 10**30}),
    ],
    ids=lambda value: ascii(value and value[:40]),
)
def test_hostile_13_an_answer_over_http_that_contradicts_itself(body: bytes, length: str | None) -> None:
    began = time.process_time()
    with pytest.raises(ProtocolError) as caught:
        http_codec.decode(body, length)
    refused(caught.value)
    assert time.process_time() - began < OVERRUN_S


def test_hostile_13_an_output_that_stands_there_twice() -> None:
    outputs: dict[str, NDArray[Any]] = {}
    tensors.add_decoded(outputs, "SCORE", b"\0\0\0\0", datatype="FP32", shape=[1, 1])
    with pytest.raises(ProtocolError, match="the output SCORE twice"):
        tensors.add_decoded(outputs, "SCORE", b"\0\0\0\0", datatype="FP32", shape=[1, 1])


def test_hostile_13_empty_elements_are_counted_before_they_are_read() -> None:
    began = time.process_time()
    with pytest.raises(ProtocolError, match="do not fit its shape"):
        tensors.decoded(bytes(8 << 20), datatype="BYTES", shape=[1, 2 << 20])
    with pytest.raises(ProtocolError, match="more than 1 elements"):
        tensors.decoded(bytes(8 << 20), datatype="BYTES", shape=[1, 1])
    assert time.process_time() - began < OVERRUN_S


def test_hostile_13_json_beside_an_answer_is_bounded() -> None:
    large = b'{"parameters": {"labels": {"string_value": "' + b"1" * http_codec.MAX_JSON_BYTES + b'"}}}'
    with pytest.raises(ProtocolError, match="no model configuration"):
        http_codec.parameters(large)
    assert len(http_codec.parameters(large.replace(b"1111", b"1"))) == 1
    parameters = {"labels": {"string_value": "1" * http_codec.MAX_JSON_BYTES}}
    answer = grpc_codec.CONFIG.response()
    answer.config.parameters["labels"].string_value = parameters["labels"]["string_value"]
    with pytest.raises(ProtocolError, match="model configuration has more than"):
        grpc_codec.parameters(answer)
    failed = http1.Answer(500, "Bad", http1.Headers([]), b'{"error": "' + b"x" * (1 << 20) + b'"}', reusable=True)
    with pytest.raises(TriptychError, match=r"HTTP 500: Bad$"):
        http_errors.check(failed, "http://h:1")  # type: ignore[arg-type]


def whole() -> tuple[bytes, int, bytes]:
    """One good answer: over HTTP, the length of its JSON, and over gRPC."""
    contents = {
        contract.CLASS_ID: struct.pack("<2i", 7, 8),
        contract.SCORE: struct.pack("<2f", 0.5, 0.25),
        contract.LABEL: (struct.pack("<I", 3) + b"cat") * 2,
        contract.ERROR: struct.pack("<I", 0),
        contract.EMBEDDING: struct.pack("<2f", 1, 2),
    }
    message = grpc_codec.INFER.response(model_version="1", id="x")
    outputs = []
    for name, data in contents.items():
        shape = [1, 1 if name == contract.ERROR else 2]
        size = {"binary_data_size": len(data)}
        outputs.append({"name": name, "datatype": contract.OUTPUTS[name], "shape": shape, "parameters": size})
        message.outputs.add(name=name, datatype=contract.OUTPUTS[name], shape=shape)
        message.raw_output_contents.append(data)
    head = json.dumps({"id": "x", "model_version": "1", "outputs": outputs}).encode()
    return head + b"".join(contents.values()), len(head), message.SerializeToString()


def mutated(data: bytes, draw: Random) -> bytes:
    """The same with one to three bytes changed; one in four times with something hostile in their place."""
    changing = bytearray(data)
    words = [b"9" * 400, b"null", b"-1", b"NaN", b"1e999", b"[", b'"', b"\xff\xff\xff\x7f", b"\\ud800"]
    for _ in range(draw.randrange(1, 4)):
        at = draw.randrange(len(changing))
        if draw.randrange(4):
            changing[at] = draw.randrange(256)
        else:
            changing[at : at + draw.randrange(1, 5)] = draw.choice(words)
    return bytes(changing)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_hostile_13_mutated_messages_are_a_result_or_a_protocol_error(protocol: str) -> None:
    body, length, message = whole()
    draw = Random(protocol)  # noqa: S311
    kinds = {"results": 0, "ProtocolError": 0, "no message": 0}
    began = time.process_time()
    for _ in range(500):
        try:
            if protocol == "http":
                sent = body[:length] + mutated(body[length:], draw) if draw.randrange(2) else mutated(body, draw)
                response = http_codec.decode(sent, str(length))
            else:
                response = grpc_codec.decode(grpc_codec.INFER.response.FromString(mutated(message, draw)))
            answer = answers.Answer(response, (answers.Image(0, "image 0"),), "x", 0.1)
            results = [*answers.classifications(answer), *answers.embeddings(answer)]
        except ProtocolError as error:
            refused(error)
            kinds["ProtocolError"] += 1
        except DecodeError:
            kinds["no message"] += 1
        else:
            json.dumps([each.to_dict() for each in results], allow_nan=False)
            kinds["results"] += 1
    print(f"hostile 13: 500 mutated messages over {protocol}, {time.process_time() - began:.2f} s: {kinds}")
    assert kinds["results"] > 20
    assert kinds["ProtocolError"] > 20
