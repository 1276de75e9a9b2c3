"""Case 46: a gRPC body of millions of repeated fields is refused in constant work."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from edges import ask_grpc, edge_before, grpc_bytes, raw_http_request
from triptych_ops.runtime import Server
from triptych_ops.runtime.edge import Edge, Limits, listeners
from triptych_ops.runtime.edge.admission import admission_script

from .load import Load, percentile

BODY_BYTES = 64 * 1024 * 1024
FIELDS = range(1, 8)  # of ModelInferRequest
RATE_PER_S = 15.0
WINDOW_S = 14.0
REFUSED = {"INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"}


def length_delimited(field: int, content: bytes) -> bytes:
    """A field of protobuf with its tag and its length."""
    size, length = len(content), b""
    while size > 0x7F:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([field << 3 | 2]) + length + bytes([size]) + content


def repeated(field: int, size_bytes: int) -> bytes:
    """An empty field, as often as it fits."""
    return length_delimited(field, b"") * (size_bytes // 2)


def repeated_behind_a_good_request(field: int, size_bytes: int) -> bytes:
    """The same behind a request that would be admitted: so the walk does not end at the first field."""
    return grpc_bytes([b"image"]) + repeated(field, size_bytes)


def repeated_within_the_input(field: int, size_bytes: int) -> bytes:
    """The same inside the input, behind its name."""
    return length_delimited(5, length_delimited(1, b"IMAGE") + repeated(field, size_bytes))


def good_values_repeated(field: int, size_bytes: int) -> bytes:
    """A field with a value that is right, as often as it fits; of other fields empty ones."""
    values = {1: b"image_classifier", 2: b"1", 3: b"x", 6: length_delimited(1, b"LABEL")}
    one = length_delimited(field, values.get(field, b""))
    return one * (size_bytes // len(one))


FORMS: tuple[Callable[[int, int], bytes], ...] = (
    repeated,
    repeated_behind_a_good_request,
    repeated_within_the_input,
    good_values_repeated,
)


@contextmanager
def edge_in_front_of(server: Server) -> Iterator[Edge]:
    with edge_before(server.ports, limits=Limits(max_body_bytes=BODY_BYTES)) as edge:
        yield edge


def answer_s(edge: Edge, body: bytes) -> tuple[float, str]:
    """Seconds from the call to its answer, the sending of the body included, and the status."""
    start_s = time.monotonic()
    status, _ = ask_grpc(edge.settings.grpc_port, body, timeout_s=120)
    return time.monotonic() - start_s, status


def test_case_46_repeated_fields_are_refused_at_once(server: Server) -> None:
    with edge_in_front_of(server) as edge:
        pids = (server.pid, edge.pid)
        refusals = {}
        for form in FORMS:
            for field in FIELDS:
                refusals[form.__name__, field] = answer_s(edge, form(field, BODY_BYTES - 1024))
        slowest_s = max(seconds for seconds, _ in refusals.values())
        print(
            f"case 46: {len(refusals)} bodies of {BODY_BYTES >> 20} MiB: the slowest answered "
            f"{slowest_s:.2f} s after its first byte (bound: 1 s after its last)"
        )
        assert {status for _, status in refusals.values()} <= REFUSED
        assert slowest_s <= 1
        edge.check_alive()
        assert (server.pid, edge.pid) == pids


def test_case_46_others_do_not_notice_repeated_fields(server: Server, photograph: bytes) -> None:
    body = repeated_behind_a_good_request(3, BODY_BYTES - 1024)
    with edge_in_front_of(server) as edge:
        load = Load(edge.settings.http_port, raw_http_request([photograph]))
        load.open(RATE_PER_S, 3)
        alone = percentile([sample.latency_s for sample in load.open(RATE_PER_S, WINDOW_S)], 0.99)
        ended, attacks = threading.Event(), []

        def attack() -> None:
            while not ended.wait(1):  # in one second the old walk was occupied for a minute by one
                attacks.append(answer_s(edge, body))

        attacker = threading.Thread(target=attack)
        attacker.start()
        samples = load.open(RATE_PER_S, WINDOW_S)
        ended.set()
        attacker.join()
        load.close()
        beside = percentile([sample.latency_s for sample in samples], 0.99)
        print(
            f"case 46: others' p99 {beside * 1e3:.0f} ms beside {len(attacks)} bodies of {BODY_BYTES >> 20} MiB, "
            f"{alone * 1e3:.0f} ms alone: {beside / alone:.2f}x (bound 2x)"
        )
        assert attacks
        assert all(sample.status == 200 for sample in samples)
        assert beside <= 2 * alone


def test_a_walk_over_every_field_takes_seconds(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the same script without its bound."""
    script = admission_script("grpc")
    unbounded = script.replace("if counts[number] > (most and most[number] or 1) then", "if false then")
    assert unbounded != script
    monkeypatch.setattr(listeners, "admission_script", lambda _: unbounded)
    with edge_in_front_of(server) as edge:
        seconds, _ = answer_s(edge, repeated_behind_a_good_request(3, 8 * 1024 * 1024))
        print(f"case 46: without the bound 8 MiB take {seconds:.1f} s")
        assert seconds > 1
