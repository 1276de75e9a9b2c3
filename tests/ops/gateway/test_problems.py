"""Every error is a problem of RFC 9457, and none says where servers are, or shows a traceback."""

import gzip
import math
from collections.abc import Mapping

import pytest

import triptych
from callers import PROTOCOLS
from gateways import IMAGE, RunningGateway, form, running
from triptych import TriptychError
from triptych.testing import Failure, FakeServer
from triptych_ops.gateway import problems


@pytest.mark.parametrize(
    ("method", "path", "headers", "kind", "status"),
    [
        ("GET", "/nothing", {}, "not_found", 404),
        ("POST", "/classify/", IMAGE, "not_found", 404),
        ("GET", "/classify", {}, "method_not_allowed", 405),
        ("DELETE", "/", {}, "method_not_allowed", 405),
        ("POST", "/classify", {"Content-Type": "text/plain"}, "unsupported_media_type", 415),
        ("POST", "/classify", {"Content-Type": "application/x-www-form-urlencoded"}, "unsupported_media_type", 415),
        ("POST", "/classify", {"Content-Type": "multipart/form-data"}, "invalid_request", 400),
        ("POST", "/classify", {"Content-Type": "multipart/form-data; boundary=b"}, "invalid_request", 400),
        ("POST", "/classify?top_k=0", IMAGE, "invalid_request", 400),
        ("POST", "/classify?top_k=five", IMAGE, "invalid_request", 400),
        ("POST", "/classify?top_k=", IMAGE, "invalid_request", 400),
        ("POST", "/classify?top_k=1&top_k=2", IMAGE, "invalid_request", 400),
        ("POST", "/classify?timeout_s=0", IMAGE, "invalid_request", 400),
        ("POST", "/classify?timeout_s=.", IMAGE, "invalid_request", 400),
        ("POST", "/classify?timeout_s=nan", IMAGE, "invalid_request", 400),
        ("POST", "/classify", {**IMAGE, "x-timeout-s": "-1"}, "invalid_request", 400),
        ("POST", "/classify?" + "&".join(f"f{i}=1" for i in range(101)), IMAGE, "invalid_request", 400),
    ],
)
def test_a_request_that_cannot_be_answered(
    gateway: RunningGateway, method: str, path: str, headers: Mapping[str, str], kind: str, status: int
) -> None:
    answer = gateway.ask(method, path, b"x", headers)
    assert (answer.kind, answer.status) == (kind, status)
    assert answer.document["code"] == kind
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, identity"])
def test_a_compressed_body_is_no_damaged_image(gateway: RunningGateway, encoding: str) -> None:
    """The cause is the Content-Encoding, not the image in the body."""
    answer = gateway.ask("POST", "/classify", gzip.compress(b"a cat"), {**IMAGE, "Content-Encoding": encoding})
    assert (answer.kind, answer.status) == ("unsupported_media_type", 415)
    assert f"Content-Encoding '{encoding}'; send it uncompressed" in answer.document["detail"]
    assert answer.headers["accept-encoding"] == "identity"
    assert gateway.ask("POST", "/classify", b"a cat", {**IMAGE, "Content-Encoding": "Identity"}).status == 200


def test_what_would_be_taken_is_said(gateway: RunningGateway) -> None:
    assert gateway.ask("GET", "/classify").headers["allow"] == "POST"
    assert "image/webp" in gateway.ask("POST", "/classify", b"x", {"Content-Type": "a/b"}).headers["accept-post"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (form()[0], "no file"),
        (form(*[("a.jpg", b"a")] * 33)[0], "more than 32 files"),
        (form(("a.jpg", b"a"))[0][:-20], "cannot be read"),
        (b"nothing of the kind", "cannot be read"),
        (b'--limit\r\nContent-Disposition: form-data; name="k"\r\n\r\n5\r\n--limit--\r\n', "'k' is no file"),
    ],
)
def test_a_form_that_cannot_be_read(gateway: RunningGateway, body: bytes, words: str) -> None:
    answer = gateway.ask("POST", "/classify", body, form()[1])
    assert answer.kind == "invalid_request"
    assert words in answer.document["detail"]


def test_an_image_that_cannot_be_classified(gateway: RunningGateway, failing: FakeServer) -> None:
    answer = gateway.classify(b"")
    assert (answer.status, answer.kind, answer.document["code"]) == (422, "bad_image", "empty_image")
    failing.fails = Failure("INVALID_ARGUMENT", http=400, message="[0] not_an_image: this is a text")
    answer = gateway.classify(b"a text")
    assert (answer.status, answer.document["code"]) == (422, "not_an_image")
    assert answer.document["detail"] == "this is a text"


@pytest.mark.parametrize(
    ("failure", "kind", "status"),
    [
        (Failure("RESOURCE_EXHAUSTED", http=429, headers={"Retry-After": "17"}), "overloaded", 503),
        (Failure("UNAVAILABLE", http=503), "unavailable", 503),
        (Failure("NOT_FOUND", http=404), "no_model", 502),
        (Failure("UNAUTHENTICATED", http=401), "server_refused", 502),
        (Failure("INTERNAL", http=500, message="Traceback (most recent call last):\n  File x"), "server_failed", 502),
    ],
)
def test_a_server_that_fails(
    gateway: RunningGateway, failing: FakeServer, failure: Failure, kind: str, status: int
) -> None:
    failing.fails = failure
    answer = gateway.classify(b"a cat", x_timeout_s="0.3")
    assert (answer.kind, answer.status) == (kind, status)
    assert "127.0.0.1" not in answer.document["detail"]
    assert b"File x" not in answer.body
    assert ("retry-after" in answer.headers) == (status == 503)
    if kind == "overloaded":
        assert answer.headers["retry-after"] == "17"


@pytest.mark.parametrize("path", ["/classify", "/embed"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_answer_that_may_be_to_another_request_is_no_answer(failing: FakeServer, protocol: str, path: str) -> None:
    with running(PROTOCOLS[protocol](failing)) as gateway:
        failing.echoes = False
        answer = gateway.classify(b"a cat", path)
        assert (answer.kind, answer.status) == ("bad_answer", 502)
        assert "names no request, so it may belong to another" in answer.document["detail"]
        failing.echoes = True
        assert gateway.classify(b"a cat", path).status == 200


@pytest.mark.parametrize("where", ["query", "header"])
def test_the_callers_time_ends(gateway: RunningGateway, failing: FakeServer, where: str) -> None:
    failing.answer_s = 0.5
    query, headers = ("?timeout_s=.1", {}) if where == "query" else ("", {"x_timeout_s": "0.1"})
    answer = gateway.classify(b"a cat", f"/classify{query}", **headers)
    assert (answer.kind, answer.status) == ("deadline_exceeded", 504)
    failing.answer_s = 0.0
    assert gateway.classify(b"a cat").status == 200


@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_nobody_at_the_servers_address(scheme: str) -> None:
    with running(f"{scheme}://127.0.0.1:9") as gateway:
        answer = gateway.classify(b"a cat", x_timeout_s="1")
        assert answer.kind in {"unavailable", "deadline_exceeded"}
        assert ":9" not in answer.document["detail"]
        assert "127.0.0.1" not in answer.document["detail"]


def test_every_error_of_the_sdk_has_its_kind() -> None:
    kinds = [getattr(triptych, name) for name in triptych.__all__]
    errors = {kind for kind in kinds if isinstance(kind, type) and issubclass(kind, TriptychError)}
    of_settings = {kind for kind in errors if kind.__name__.startswith("Invalid")}  # of making a client, not of asking
    assert errors - of_settings - {TriptychError} == set(problems.OF_SDK)


def test_when_to_come_back() -> None:
    def retry_after(seconds: float | None) -> str | None:
        problem = problems.Problem(kind=problems.OVERLOADED, detail="", retry_after_s=seconds)
        return problem.all_headers.get("Retry-After")

    assert [retry_after(seconds) for seconds in (None, 0.2, 2.1, math.inf)] == ["1", "1", "3", None]
    assert "Retry-After" not in problems.Problem(kind=problems.BAD_IMAGE, detail="").all_headers


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("grpc://10.0.0.7:8001 did not answer within 1 s", "the server did not answer within 1 s"),
        ("at https://a.b:1/c, http://[::1]:8000; ask (ipv4:127.0.0.1:9: refused)",
         "at the server, the server; ask (its address: refused)"),
        ("no address in here: none", "no address in here: none"),
    ],
)  # fmt: skip
def test_addresses_are_left_out(text: str, shown: str) -> None:
    assert problems.without_addresses(text) == shown
