import threading
import time
from collections.abc import Callable, Sequence

import pytest

from triptych.endpoint import Endpoint
from triptych.resilience import resolving
from triptych.resilience.resolving import Names, lookup, lookup_within

WEB, API = Endpoint.from_url("dns:///web:8001"), Endpoint.from_url("dns+https:///api:443/prefix")
FIXED = Endpoint.from_url("grpc://fixed:1")


class Resolver:
    """A resolver's answers; each look-up runs when `work` is called."""

    def __init__(self, *endpoints: Endpoint) -> None:
        self.addresses: dict[str, list[str] | Exception] = {"web": ["10.0.0.1", "10.0.0.2"], "api": ["10.0.1.1"]}
        self.changes: list[list[str]] = []
        self.works: list[Callable[[], None]] = []
        self.names = Names(endpoints, self._changed, refresh_s=30.0, lookup=self._lookup, start=self.works.append)

    def work(self) -> None:
        self.works.pop(0)()

    def _changed(self, endpoints: Sequence[Endpoint]) -> None:
        self.changes.append([str(each) for each in endpoints])

    def _lookup(self, host: str, port: int) -> list[tuple[str, int]]:
        found = self.addresses[host]
        if isinstance(found, Exception):
            raise found
        return [(address, port) for address in found]


def test_a_name_stands_for_a_server_at_each_of_its_addresses() -> None:
    resolver = Resolver(FIXED, WEB, API)
    assert resolver.names.dynamic
    resolver.names.refresh(0.0)
    resolver.work()
    (servers,) = resolver.changes
    assert servers == [
        "grpc://fixed:1",
        "grpc://10.0.0.1:8001",
        "grpc://10.0.0.2:8001",
        "https://10.0.1.1:443/prefix",
    ]


def test_a_server_s_certificate_names_the_name() -> None:
    found: list[Endpoint] = []
    names = Names([API], found.extend, refresh_s=1, lookup=lambda *_: [("10.0.1.1", 443)], start=lambda work: work())
    names.refresh(0.0)
    assert [each.certificate_name for each in found] == ["api"]


def test_plain_urls_are_never_looked_up() -> None:
    resolver = Resolver(FIXED)
    resolver.names.refresh(0.0)
    resolver.names.refresh(1000.0, failed=True)
    assert not resolver.names.dynamic
    assert resolver.works == []


@pytest.mark.parametrize(
    ("asked_at", "failed", "asks"),
    [(0.5, False, False), (29.9, False, False), (30.0, False, True), (0.9, True, False), (1.0, True, True)],
)
def test_a_name_is_looked_up_again_after_a_while_and_soon_after_a_failure(
    asked_at: float, failed: bool, asks: bool
) -> None:
    resolver = Resolver(WEB)
    resolver.names.refresh(0.0)
    resolver.work()
    resolver.names.refresh(asked_at, failed=failed)
    assert bool(resolver.works) is asks


def test_one_look_up_at_a_time() -> None:
    resolver = Resolver(WEB)
    for now in (0.0, 31.0, 62.0):
        resolver.names.refresh(now, failed=True)
    assert len(resolver.works) == 1


@pytest.mark.parametrize("failure", [OSError("no such name"), UnicodeError("label too long")])
def test_what_was_known_stays_where_a_look_up_fails(failure: Exception) -> None:
    resolver = Resolver(WEB, API)
    resolver.names.refresh(0.0)
    resolver.work()
    resolver.addresses |= {"web": failure, "api": ["10.0.1.9"]}
    resolver.names.refresh(30.0)
    resolver.work()
    assert resolver.changes[-1] == ["grpc://10.0.0.1:8001", "grpc://10.0.0.2:8001", "https://10.0.1.9:443/prefix"]
    assert isinstance(resolver.names.error, OSError)
    resolver.addresses["web"] = ["10.0.0.7"]
    resolver.names.refresh(31.0)  # sooner than otherwise
    resolver.work()
    assert resolver.changes[-1][0] == "grpc://10.0.0.7:8001"
    assert resolver.names.error is None


def test_the_system_knows_this_machine() -> None:
    found = lookup("localhost", 80)
    assert ("127.0.0.1", 80) in found
    assert len(set(found)) == len(found)
    assert ("127.0.0.1", 80) in lookup_within("localhost", 80, timeout_s=10.0)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "10.1.2.3"])
def test_an_address_needs_no_look_up(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "lookup", lambda *_: pytest.fail("looked up"))
    assert lookup_within(host, 80, timeout_s=10.0) == [(host, 80)]


@pytest.mark.parametrize("host", ["no-such-name.invalid", "x" * 70 + ".invalid"])
def test_a_name_that_nobody_knows_is_an_error(host: str) -> None:
    with pytest.raises(OSError):  # noqa: PT011  the system's words
        lookup_within(host, 80, timeout_s=10.0)


def test_a_look_up_lasts_no_longer_than_the_caller_has(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def slow(*_: object) -> list[tuple[str, int]]:
        release.wait(10)
        return []

    monkeypatch.setattr(resolving, "lookup", slow)
    began = time.monotonic()
    with pytest.raises(TimeoutError, match="name was not resolved in time"):
        lookup_within("name", 80, timeout_s=0.05)
    assert time.monotonic() - began < 1.0
    release.set()


def test_by_itself_it_looks_up_in_another_thread() -> None:
    threads: list[int] = []
    done = threading.Event()

    def find(*_: object) -> list[tuple[str, int]]:
        threads.append(threading.get_ident())
        return [("127.0.0.1", 1)]

    names = Names([WEB], lambda _: done.set(), refresh_s=1.0, lookup=find)
    names.refresh(0.0)
    assert done.wait(10)
    assert threads != [threading.get_ident()]
