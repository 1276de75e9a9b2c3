"""Tokens, keys and other headers, from both clients over both protocols."""

import asyncio
import logging
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from callers import CALLERS, PROTOCOLS, Caller
from triptych import AsyncClient, Client, DeadlineExceededError, OverloadedError, PermissionDeniedError, Resilience
from triptych.endpoint import Endpoint
from triptych.testing import Failure, FakeServer
from triptych.transports.access import Access, TokenError
from triptych.transports.transport import InferRequest

SECRET = "s3cr3t-t0k3n"  # noqa: S105
ONCE = Resilience.off()


def test_headers_and_the_token_go_with_every_request(caller: Caller, protocol: str) -> None:
    settings = {"headers": {"X-Api-Key": SECRET, "tenant": "one"}, "token": lambda: "abc"}
    with FakeServer() as server, caller(PROTOCOLS[protocol](server), **settings) as classify:
        classify(b"first")
        classify(b"second")
        for sent in server.headers:
            assert (sent["x-api-key"], sent["tenant"], sent["authorization"]) == (SECRET, "one", "Bearer abc")
        assert len(server.headers) == 2


def test_the_token_is_asked_for_at_each_attempt(caller: Caller, protocol: str) -> None:
    tokens = iter(["old", "new", "newer"])

    def failure(request: int) -> Failure | None:
        return Failure("UNAVAILABLE", 503) if request == 1 else None

    with (
        FakeServer(failure=failure) as server,
        caller(PROTOCOLS[protocol](server), token=lambda: next(tokens)) as classify,
    ):
        assert classify(b"image").attempts == 2
        assert [sent["authorization"] for sent in server.headers] == ["Bearer old", "Bearer new"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_asynchronous_client_awaits_a_token(protocol: str) -> None:
    async def token() -> str:
        await asyncio.sleep(0.001)
        return "awaited"

    with FakeServer() as server:
        with CALLERS["async"](PROTOCOLS[protocol](server), token=token) as classify:
            classify(b"image")
        assert server.headers[0]["authorization"] == "Bearer awaited"
        settings: dict[str, Any] = {"token": token}
        with (
            Client(PROTOCOLS[protocol](server), **settings) as client,
            pytest.raises(TokenError, match="only AsyncClient"),
        ):
            client.classify(b"image")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_token_that_does_not_come_ends_at_the_deadline(protocol: str) -> None:
    async def token() -> str:
        await asyncio.sleep(60)
        return "late"

    async def ask(server: FakeServer) -> None:
        async with AsyncClient(PROTOCOLS[protocol](server), token=token, timeout_s=0.2) as client:
            with pytest.raises(DeadlineExceededError):
                await client.classify(b"image")

    with FakeServer() as server:
        asyncio.run(ask(server))
        assert server.requests == 0


def refuses() -> str:
    raise RuntimeError(SECRET)


@pytest.mark.parametrize(
    ("token", "words"),
    [
        (refuses, "token gave none: it raised RuntimeError"),
        (lambda: f"{SECRET}\r\nx-evil: 1", "must give visible ASCII"),
        (lambda: "", "must give visible ASCII"),
        (lambda: None, "must give visible ASCII"),
        (lambda: f"Bearer {SECRET}", "must give visible ASCII"),
    ],
)
def test_what_is_no_token_is_not_sent(caller: Caller, protocol: str, token: Callable[[], Any], words: str) -> None:
    with FakeServer() as server:
        with caller(PROTOCOLS[protocol](server), token=token) as classify, pytest.raises(TokenError) as caught:
            classify(b"image")
        assert words in str(caught.value)
        assert SECRET not in str(caught.value)
        assert server.requests == 0


@pytest.mark.parametrize("grpc", ["UNAUTHENTICATED", "PERMISSION_DENIED"])
def test_a_refusal_says_what_to_do(caller: Caller, protocol: str, grpc: str) -> None:
    failure = Failure(grpc, 401 if grpc == "UNAUTHENTICATED" else 403, "not you")
    table: list[tuple[dict[str, Any], str]] = [
        ({}, "sends no key and no token; give it headers={'x-api-key': KEY} or token=FUNCTION"),
        ({"headers": {"tenant": "one"}}, "sends no key and no token"),
        ({"headers": {"x-api-key": SECRET}}, "does not take this client's key or token; give it another"),
        ({"token": lambda: SECRET}, "does not take this client's key or token; give it another"),
    ]
    with FakeServer() as server:
        server.fails = failure
        for settings, words in table:
            with (
                caller(PROTOCOLS[protocol](server), **settings) as classify,
                pytest.raises(PermissionDeniedError) as caught,
            ):
                classify(b"image")
            assert "not you; " in str(caught.value)
            assert words in str(caught.value)
            assert SECRET not in "".join(traceback.format_exception(caught.value))
        assert server.requests == len(table)  # and is not asked again


@pytest.mark.parametrize("url", ["grpc://10.0.0.1", "http://server.example", "dns:///server", "dns+http:///server"])
@pytest.mark.parametrize(
    "settings",
    [
        {"token": lambda: SECRET},
        {"headers": {"Authorization": f"Bearer {SECRET}"}},
        {"headers": {"x-api-key": SECRET}},
        {"headers": {"cookie": SECRET}},
    ],
)
def test_no_secret_goes_out_in_plain(caller: Caller, url: str, settings: dict[str, Any]) -> None:
    with (
        pytest.raises(ValueError, match=r"would go to [^\n]* in plain; use grpcs://") as caught,
        caller(url, **settings),
    ):
        pass
    assert SECRET not in str(caught.value)
    with caller(url, plaintext_secrets=True, **settings):
        pass
    with caller(url, headers={"tenant": "one"}):
        pass


@pytest.mark.parametrize(
    "url", ["grpcs://server", "https://server", "http://127.0.0.1", "grpc://localhost", "http://[::1]:8000"]
)
def test_a_secret_may_go_through_tls_or_stay_on_this_machine(url: str) -> None:
    Access(token=lambda: SECRET).check([Endpoint.from_url(url)])


def test_one_server_in_plain_of_several_is_enough() -> None:
    with pytest.raises(ValueError, match="would go to grpc://b:8001 in plain"):
        Client(["grpcs://a", "grpc://b"], token=lambda: SECRET)


def test_a_secret_of_a_single_request_is_checked_alike() -> None:
    with pytest.raises(ValueError, match="the header x-api-key would go"):
        Access().check([Endpoint.from_url("http://h")], {"x-api-key": SECRET})


def test_a_token_and_its_header_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="the same thing"):
        Client("grpcs://h", token=lambda: SECRET, headers={"authorization": "Bearer x"})


def test_no_representation_shows_a_secret() -> None:
    access = Access(token=lambda: SECRET, headers={"x-api-key": SECRET})
    request = InferRequest((b"",), (), "id", 1.0, headers={"x-api-key": SECRET})
    assert SECRET not in repr(access)
    assert SECRET not in repr(request)


def test_no_log_shows_a_secret(caller: Caller, protocol: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    settings: dict[str, Any] = {"token": lambda: SECRET, "headers": {"x-api-key": SECRET}, "resilience": ONCE}
    with FakeServer() as server, caller(PROTOCOLS[protocol](server), **settings) as classify:
        classify(b"image")
        server.fails = Failure("RESOURCE_EXHAUSTED", 429)
        with pytest.raises(OverloadedError):
            classify(b"image")
    assert SECRET not in caplog.text
