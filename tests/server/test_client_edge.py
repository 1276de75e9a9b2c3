"""Both clients through the real Envoy before the real Triton: keys, certificates and their change, limits."""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from callers import CALLERS, PROTOCOLS, Caller
from certificates import Authority
from edges import edge_before, triton
from triptych import (
    AsyncClient,
    Client,
    OverloadedError,
    PermissionDeniedError,
    Resilience,
    Tls,
    TooLargeError,
    TriptychError,
    UnavailableError,
    contract,
)
from triptych.health import image
from triptych_ops.runtime import Server
from triptych_ops.runtime.edge import ApiKey, Edge, Limits, TlsFiles
from triptych_ops.runtime.ports import Ports

KEY = "a-key-of-more-than-16-characters"
ONCE = Resilience.off()  # nothing that fails is hidden by another attempt
SETTLE_S = 1.5  # a changed file is taken up within a second
CONNECTIONS = 5  # of the load below: one over gRPC for each client, and over HTTP one and two


@pytest.fixture(scope="module")
def server(store: Path) -> Iterator[Server]:
    with triton(store) as running:
        yield running


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


@pytest.fixture
def successor(tmp_path: Path) -> Authority:
    folder = tmp_path / "successor"
    folder.mkdir()
    return Authority(folder, "successor")


def url(edge: Edge, protocol: str) -> str:
    return edge.settings.grpc_url if protocol == "grpc" else edge.settings.http_url


def failure(caller: Caller, url: str, **settings: Any) -> TriptychError:
    """What a call ends with."""
    with caller(url, resilience=ONCE, **settings) as classify, pytest.raises(TriptychError) as caught:
        classify(image())
    return caught.value


def test_a_key_or_a_token_opens_the_edge(server: Server) -> None:
    with edge_before(server.ports, api_keys=(ApiKey("tests", KEY),)) as edge:
        for caller in CALLERS.values():
            for protocol in PROTOCOLS:
                address = url(edge, protocol)
                for good in ({"headers": {"x-api-key": KEY}}, {"token": lambda: KEY}):
                    with caller(address, **good) as classify:
                        assert classify(image()).top.label == "espresso"
                nobody = failure(caller, address)
                assert isinstance(nobody, PermissionDeniedError)
                assert "this client sends no key and no token" in str(nobody)
                another = failure(caller, address, headers={"x-api-key": "no-key-of-anybody"})
                assert isinstance(another, PermissionDeniedError)
                assert "does not take this client's key or token" in str(another)


def test_only_clients_with_a_certificate_come_in(server: Server, authority: Authority, successor: Authority) -> None:
    tls = Tls(ca=authority.file, **files(authority.issue("client")))
    with edge_before(server.ports, tls=TlsFiles(*authority.issue("server"), authority.file)) as edge:
        for caller in CALLERS.values():
            for protocol in PROTOCOLS:
                address = url(edge, protocol)
                with caller(address, tls=tls) as classify:
                    assert classify(image()).top.label == "espresso"
                unnamed = failure(caller, address, tls=Tls(ca=authority.file))
                assert "wants a certificate of this client" in str(unnamed)
                stranger = Tls(ca=authority.file, **files(successor.issue("stranger")))
                assert "does not take this client's certificate" in str(failure(caller, address, tls=stranger))
                assert "is not trusted" in str(failure(caller, address))


def files(issued: tuple[Path, Path]) -> dict[str, Path]:
    return {"certificate": issued[0], "key": issued[1]}


class Load:
    """Both clients keep asking over both protocols, one attempt a call."""

    def __init__(self, edge: Edge, tls: Tls) -> None:
        self._edge = edge
        self._tls = tls
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(4)
        self.answers = 0
        self.failures: list[TriptychError] = []

    def __enter__(self) -> "Load":
        self._running = [
            self._pool.submit(work, url(self._edge, protocol))
            for work in (self._ask, self._ask_async)
            for protocol in PROTOCOLS
        ]
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._pool.shutdown()
        for each in self._running:
            each.result()

    def _ask(self, url: str) -> None:
        with Client(url, tls=self._tls, resilience=ONCE) as client:
            while not self._stop.is_set():
                try:
                    client.classify(image())
                    self.answers += 1
                except TriptychError as error:
                    self.failures.append(error)

    def _ask_async(self, url: str) -> None:
        asyncio.run(self._ask_at_once(url))

    async def _ask_at_once(self, url: str) -> None:
        async with AsyncClient(url, tls=self._tls, resilience=ONCE) as client:
            while not self._stop.is_set():
                for outcome in await asyncio.gather(
                    *(client.classify(image()) for _ in range(2)), return_exceptions=True
                ):
                    if isinstance(outcome, TriptychError):
                        self.failures.append(outcome)
                    else:
                        self.answers += 1


def test_certificates_and_their_authority_change_and_no_call_is_lost(
    server: Server, authority: Authority, successor: Authority, tmp_path: Path
) -> None:
    trusted, ca = tmp_path / "trusted.pem", tmp_path / "ca.pem"  # by the edge, by the clients
    shown = {name: tmp_path / f"shown.{name}" for name in ("key", "crt")}

    def trust(file: Path, *authorities: Authority) -> None:
        put(file, b"".join(each.file.read_bytes() for each in authorities))

    def show(issued: tuple[Path, Path]) -> None:
        put(shown["key"], issued[1].read_bytes())
        put(shown["crt"], issued[0].read_bytes())

    trust(trusted, authority)
    trust(ca, authority)
    show(authority.issue("client"))
    tls = Tls(ca=ca, certificate=shown["crt"], key=shown["key"])
    with edge_before(server.ports, tls=TlsFiles(*authority.issue("server"), trusted)) as edge, Load(edge, tls) as load:
        steps = (
            lambda: trust(trusted, authority, successor),
            lambda: show(successor.issue("client")),
            lambda: trust(trusted, successor),
            lambda: authority.issue("server"),
            lambda: show(successor.issue("client")),  # with new connections, which the old authority would not get
            lambda: trust(ca, authority, successor),
        )
        counts = []
        for step in steps:
            step()
            time.sleep(SETTLE_S)
            counts.append(handshakes(edge))
        late = failure(CALLERS["sync"], edge.settings.http_url, tls=Tls(ca=ca, **files(authority.issue("late"))))
    print(
        f"case 39: certificates and authorities of both sides changed {len(steps)} times under {load.answers} calls of "
        f"both clients over gRPC and HTTP, {len(load.failures)} failed (bound 0)"
    )
    assert load.failures == []
    assert load.answers > 40
    for changed in (1, 4, 5):  # what the clients show or trust: all five of their connections are made anew
        assert counts[changed] - counts[changed - 1] >= CONNECTIONS, counts
    assert "does not take this client's certificate" in str(late)


def put(file: Path, content: bytes) -> None:
    new = file.with_suffix(".new")
    new.write_bytes(content)
    new.rename(file)


def handshakes(edge: Edge) -> int:
    """How many connections the edge has let in."""
    return sum(edge.administration.statistics(r"^listener\..*ssl\.handshake$").values())


def test_a_request_beyond_the_limit_is_too_large(server: Server, caller: Caller, authority: Authority) -> None:
    limits = Limits(max_body_bytes=contract.MAX_IMAGE_BYTES)
    for tls in (None, TlsFiles(*authority.issue("server"))):
        with edge_before(server.ports, limits=limits, tls=tls) as edge:
            settings: dict[str, Any] = {"tls": Tls(ca=authority.file)} if tls else {}
            with caller(edge.settings.http_url, resilience=ONCE, **settings) as classify:
                for _ in range(5):
                    with pytest.raises(TooLargeError, match="a request may have at most 20971520 bytes"):
                        classify(bytes(contract.MAX_IMAGE_BYTES))
                assert classify(image()).top.label == "espresso"


def test_a_full_edge_is_overloaded_and_says_until_when(server: Server, caller: Caller, protocol: str) -> None:
    with edge_before(server.ports, limits=Limits(max_concurrent=1)) as edge, ThreadPoolExecutor(8) as pool:

        def ask(_: int) -> TriptychError | None:
            try:
                with caller(url(edge, protocol), resilience=ONCE) as classify:
                    classify(image())
            except TriptychError as error:
                return error
            return None

        failures: list[TriptychError] = []
        until = time.monotonic() + 20
        while not failures and time.monotonic() < until:
            failures = [error for error in pool.map(ask, range(16)) if error]
        assert failures
        assert {type(error) for error in failures} == {OverloadedError}
        assert {error.retry_after_s for error in failures} == {1.0}


def test_an_edge_without_a_server_says_when_to_come_back(caller: Caller, protocol: str) -> None:
    with edge_before(Ports.free()) as edge:
        error = failure(caller, url(edge, protocol))
        assert isinstance(error, OverloadedError if protocol == "http" else UnavailableError)
        assert error.retry_after_s == 1.0
