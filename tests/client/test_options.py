"""Views of a client with other settings, and what every client may be set to."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from triptych import AsyncClient, Client, Hedging, OverloadedError, Resilience, Retry, UnavailableError
from triptych.testing import Failure, FakeServer, label

from .clock import Clock
from .fake_transport import FakeTransport


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


def test_a_view_has_other_defaults_on_the_same_connections(client: Client, transport: FakeTransport) -> None:
    view = client.with_options(timeout_s=2.0, top_k=1)
    again = view.with_options(top_k=None)
    assert [len(each.classify(b"cat.").predictions) for each in (client, view, again)] == [3, 1, 3]
    assert len(view.classify(b"cat.", top_k=2).predictions) == 2
    view.embed(b"cat.")
    list(view.classify_many([b"cat."]))
    view.classify(b"cat.", timeout_s=1.0)
    assert [request.timeout_s for request in transport.requests] == [4.0, 2.0, 2.0, 2.0, 2.0, 2.0, 1.0]


def test_closing_a_view_closes_nothing(client: Client, transport: FakeTransport) -> None:
    with client.with_options(top_k=1) as view:
        view.classify(b"cat.")
    view.close()
    assert transport.closed == 0
    assert len(view.classify(b"cat.").predictions) == 1
    client.close()
    assert transport.closed == 1
    with pytest.raises(UnavailableError, match="closed"):
        view.classify(b"cat.")


def test_a_view_of_a_client_that_never_called_shares_what_it_connects_to() -> None:
    transports: list[FakeTransport] = []

    def connect(_: object) -> FakeTransport:
        transports.append(FakeTransport())
        return transports[-1]

    with Client(connect=connect) as client:
        for view in (client.with_options(top_k=1), client, client.with_options(retry=None)):
            view.classify(b"cat.")
        assert len(transports) == 1


def test_headers_are_added_to_those_that_there_are(server: FakeServer) -> None:
    with Client(server.grpc_url, headers={"x-tenant": "a"}) as client:
        view = client.with_options(headers={"x-one": "1"}).with_options(headers={"X-Two": "2"})
        for each in (client, view, view.with_options(timeout_s=1.0)):
            each.classify(b"cat.")
    kept = [{name: value for name, value in each.items() if name.startswith("x-")} for each in server.headers]
    assert kept == [{"x-tenant": "a"}, *[{"x-tenant": "a", "x-one": "1", "x-two": "2"}] * 2]


def test_no_secret_of_a_view_goes_out_in_plain() -> None:
    with Client("grpc://server.example") as client:
        with pytest.raises(ValueError, match="in plain"):
            client.with_options(headers={"x-api-key": "secret"})
        with pytest.raises(ValueError, match="no name of a header"):
            client.with_options(headers={"x y": "z"})


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"timeout_s": 0.0}, "timeout_s must be"),
        ({"timeout_s": float("nan")}, "timeout_s must be"),
        ({"top_k": 0}, "top_k must be"),
        ({"shrink": -1}, "shrink must be"),
    ],
)
def test_a_setting_out_of_range_is_refused_wherever_it_is_given(setting: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Client(**setting)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=words):
        AsyncClient(**setting)  # type: ignore[arg-type]
    with Client() as client, pytest.raises(ValueError, match=words):
        client.with_options(**setting)  # type: ignore[arg-type]


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_view_without_retries_tries_once_and_its_client_goes_on_retrying(protocol: str) -> None:
    overloaded = Failure("RESOURCE_EXHAUSTED", http=429)
    server = FakeServer(failure=lambda number: overloaded if number % 2 else None)
    with server, Client(getattr(server, f"{protocol}_url")) as client:
        with pytest.raises(OverloadedError):
            client.with_options(retry=None).classify(b"cat.")
        server.requests = 0
        assert client.classify(b"cat.").attempts == 2
        view = client.with_options(retry=Retry(attempts=2))
        assert view.classify(b"cat.").attempts == 2


def test_views_take_their_retries_from_the_one_budget() -> None:
    policy = Resilience(retry=Retry(budget_ratio=0.0, budget_burst=3.0, base_s=1e-6, cap_s=1e-6), breaker=None)
    with FakeServer() as server, Client(server.http_url, resilience=policy) as client:
        server.fails = Failure("RESOURCE_EXHAUSTED", http=429)
        for _ in range(10):
            with pytest.raises(OverloadedError):
                client.with_options(retry=Retry(attempts=4, base_s=1e-6, cap_s=1e-6)).classify(b"cat.")
    assert server.requests == 10 + 3


def test_a_view_retries_where_its_client_never_does(clock: Clock, transport: FakeTransport) -> None:
    with Client(resilience=Resilience.off(), connect=lambda _: transport, clock=clock.now, sleep=clock.sleep) as client:
        transport.failures = [UnavailableError("gone"), UnavailableError("gone"), UnavailableError("gone")]
        assert client.with_options(retry=Retry()).classify(b"cat.").attempts == 4
        transport.failures = [UnavailableError("gone")]
        with pytest.raises(UnavailableError):
            client.classify(b"cat.")


def test_a_view_knows_the_servers_that_its_client_knows_to_be_dead(nobody: str) -> None:
    with FakeServer() as server, Client([f"http://{nobody}", server.http_url]) as client:
        for _ in range(4):
            client.classify(b"cat.")
        attempts = [client.with_options(hedging=None, retry=Retry()).classify(b"cat.").attempts for _ in range(10)]
    assert attempts == [1] * 10


def test_a_view_hedges() -> None:
    with FakeServer(answer_s=0.5) as slow, FakeServer() as quick, Client([slow.http_url, quick.http_url]) as client:
        view = client.with_options(hedging=Hedging(after_s=0.02))
        assert max(view.classify(b"cat.").elapsed_s for _ in range(2)) < 0.4


def test_an_asynchronous_view_does_the_same(server: FakeServer) -> None:
    async def main() -> None:
        async with AsyncClient(server.grpc_url, top_k=2) as client:
            async with client.with_options(top_k=1, headers={"x-one": "1"}, retry=None) as view:
                assert isinstance(view, AsyncClient)
                assert len((await view.classify(b"cat.")).predictions) == 1
            result = await client.classify(b"cat.")
            assert len(result.predictions) == 2
            assert result.top.label == label(b"cat.")

    asyncio.run(main())
    assert [each.get("x-one") for each in server.headers] == ["1", None]


def test_views_are_shared_by_threads(server: FakeServer) -> None:
    with Client(server.http_url) as client:
        found: list[int] = []

        def ask(top_k: int) -> None:
            found.extend(len(client.with_options(top_k=top_k).classify(b"cat.").predictions) for _ in range(20))

        threads = [threading.Thread(target=ask, args=(top_k,)) for top_k in (1, 2, 3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(found) == [1] * 20 + [2] * 20 + [3] * 20
