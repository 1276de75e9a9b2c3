"""TLS of both clients over both protocols, against real servers."""

import ssl
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from callers import CALLERS, PROTOCOLS, Caller
from certificates import Authority
from triptych import PermissionDeniedError, ProtocolError, Resilience, Tls, TriptychError, UnavailableError
from triptych.endpoint import Endpoint
from triptych.testing import Certificate, FakeServer
from triptych.transports.aio_grpc_transport import AioGrpcTransport
from triptych.transports.aio_http_transport import AioHttpTransport
from triptych.transports.grpc_transport import GrpcTransport
from triptych.transports.http_transport import HttpTransport
from triptych.transports.tls import WatchedTls

from ..clock import Clock

ONCE = Resilience.off()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ours"), "authority")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("theirs"), "stranger")


def failure(caller: Caller, url: str, **settings: Any) -> TriptychError:
    """What a call ends with: one line, its cause chained."""
    with caller(url, resilience=ONCE, timeout_s=5.0, **settings) as classify, pytest.raises(TriptychError) as caught:
        classify(b"image")
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is not None
    return caught.value


def test_a_server_of_an_authority_that_is_trusted_answers(caller: Caller, protocol: str, authority: Authority) -> None:
    with (
        FakeServer(tls=Certificate(*authority.issue("server"))) as server,
        caller(PROTOCOLS[protocol](server), tls=Tls(ca=authority.file)) as classify,
    ):
        assert classify(b"image").release == 1
        assert server.callers == [""]


def test_a_server_that_wants_a_certificate_sees_whose_it_is(
    caller: Caller, protocol: str, authority: Authority
) -> None:
    certificate, key = authority.issue("alice")
    with (
        FakeServer(tls=Certificate(*authority.issue("server"), authority.file)) as server,
        caller(PROTOCOLS[protocol](server), tls=Tls(ca=authority.file, certificate=certificate, key=key)) as classify,
    ):
        classify(b"image")
        assert server.callers == ["alice"]


def test_the_system_s_authorities_are_the_default(caller: Caller, protocol: str, authority: Authority) -> None:
    with FakeServer(tls=Certificate(*authority.issue("server"))) as server:
        error = failure(caller, PROTOCOLS[protocol](server))
        assert isinstance(error, ProtocolError)
        assert "is not trusted: unable to get local issuer certificate" in str(error)
        assert "tls=Tls(ca=FILE)" in str(error)
        assert server.requests == 0


def test_what_the_environment_names_as_the_system_s_authorities_is_trusted(
    caller: Caller, protocol: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with (
        FakeServer(tls=Certificate(*authority.issue("server"))) as server,
        caller(PROTOCOLS[protocol](server)) as classify,
    ):
        assert classify(b"image").release == 1


def test_an_authority_of_one_s_own_is_instead_of_the_system_s(
    caller: Caller, protocol: str, authority: Authority, stranger: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with FakeServer(tls=Certificate(*authority.issue("server"))) as server:
        assert isinstance(failure(caller, PROTOCOLS[protocol](server), tls=Tls(ca=stranger.file)), ProtocolError)


def test_an_expired_server_is_not_asked(caller: Caller, protocol: str, authority: Authority) -> None:
    with FakeServer(tls=Certificate(*authority.issue("late", expired=True))) as server:
        error = failure(caller, PROTOCOLS[protocol](server), tls=Tls(ca=authority.file))
        assert isinstance(error, ProtocolError)
        assert "has expired" in str(error)


def test_a_server_of_another_name_is_not_asked(caller: Caller, protocol: str, authority: Authority) -> None:
    with FakeServer(tls=Certificate(*authority.issue("other", hosts=["other.example"]))) as server:
        error = failure(caller, PROTOCOLS[protocol](server), tls=Tls(ca=authority.file))
        assert isinstance(error, ProtocolError)
        assert "is not for 127.0.0.1" in str(error)


def test_a_resolved_name_is_what_the_certificate_must_name(caller: Caller, protocol: str, authority: Authority) -> None:
    settings: dict[str, Any] = {"tls": Tls(ca=authority.file)}
    with FakeServer(tls=Certificate(*authority.issue("local", hosts=["localhost"]))) as server:
        resolved = f"dns+{PROTOCOLS[protocol](server).replace('://127.0.0.1', ':///localhost')}"
        with caller(resolved, **settings) as classify:
            assert classify(b"image").release == 1
    with FakeServer(tls=Certificate(*authority.issue("server"))) as server:  # of 127.0.0.1, where localhost is
        resolved = f"dns+{PROTOCOLS[protocol](server).replace('://127.0.0.1', ':///localhost')}"
        assert "is not for localhost" in str(failure(caller, resolved, **settings))


def test_a_server_that_wants_a_certificate_says_so(caller: Caller, protocol: str, authority: Authority) -> None:
    with FakeServer(tls=Certificate(*authority.issue("server"), authority.file)) as server:
        error = failure(caller, PROTOCOLS[protocol](server), tls=Tls(ca=authority.file))
        assert isinstance(error, PermissionDeniedError | UnavailableError)
        assert "wants a certificate of this client" in str(error)
        assert "give tls=Tls(certificate=FILE, key=FILE)" in str(error)
        assert "headers=" not in str(error)
        assert server.requests == 0


def test_a_server_that_does_not_take_the_certificate_says_so(
    caller: Caller, protocol: str, authority: Authority, stranger: Authority
) -> None:
    certificate, key = stranger.issue("mallory")
    with FakeServer(tls=Certificate(*authority.issue("server"), authority.file)) as server:
        tls = Tls(ca=authority.file, certificate=certificate, key=key)
        error = failure(caller, PROTOCOLS[protocol](server), tls=tls)
        assert isinstance(error, PermissionDeniedError | UnavailableError)
        assert "does not take this client's certificate" in str(error)
        assert server.requests == 0


def test_a_server_without_tls_breaks_the_contract(caller: Caller, protocol: str) -> None:
    with FakeServer() as server:
        scheme = {"grpc": "grpcs", "http": "https"}[protocol]
        error = failure(caller, f"{scheme}:{server.grpc_url.partition(':')[2]}")  # it speaks first; HTTP would wait
        assert isinstance(error, ProtocolError)
        assert "does not speak TLS" in str(error)


@pytest.mark.parametrize("url", ["grpc://h", "http://h", "dns:///h"])
def test_tls_is_never_left_out(caller: Caller, url: str, authority: Authority) -> None:
    with (
        pytest.raises(ValueError, match="spoken to in plain; use grpcs:// or https://"),
        caller(url, tls=Tls(ca=authority.file)),
    ):
        pass


def test_the_server_is_always_checked(authority: Authority) -> None:
    for tls in (Tls(), Tls(ca=authority.file)):
        context = WatchedTls(tls).current().context
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def encrypted(key: Path, folder: Path) -> Path:
    file = folder / "encrypted.key"
    command = ["openssl", "ec", "-in", str(key), "-aes256", "-passout", "pass:secret", "-out", str(file)]
    subprocess.run(command, check=True, capture_output=True)
    return file


def test_files_that_do_not_fit_are_refused_when_they_are_given(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("fits")
    _, another = authority.issue("another")
    empty = tmp_path / "empty.pem"
    empty.touch()
    table: dict[str, dict[str, Path]] = {
        "missing.pem cannot be read: No such file or directory": {"ca": tmp_path / "missing.pem"},
        f"{tmp_path} cannot be read: Is a directory": {"ca": tmp_path},
        "empty.pem has no certificate in PEM": {"ca": empty},
        "fits.key has no certificate in PEM": {"ca": key},
        "a certificate and no key": {"certificate": certificate},
        "a key and no certificate": {"key": key},
        "another.key is not the key of": {"certificate": certificate, "key": another},
        "are not a certificate and its key in PEM": {"certificate": empty, "key": key},
        "is encrypted": {"certificate": certificate, "key": encrypted(key, tmp_path)},
    }
    for words, files in table.items():
        with pytest.raises(ValueError, match=r"^[^\n]+$") as caught:
            Tls(**files)
        assert words in str(caught.value)


def test_files_are_read_anew_a_second_later(authority: Authority, clock: Clock) -> None:
    certificate, key = authority.issue("turning")
    watched = WatchedTls(Tls(certificate=certificate, key=key), clock=clock.now)
    first = watched.current()
    authority.issue("turning")
    assert watched.current() is first  # looked at a moment ago
    clock.sleep(1.0)
    second = watched.current()
    assert second.certificate == certificate.read_bytes() != first.certificate
    clock.sleep(1.0)
    assert watched.current() is second  # nothing has changed
    assert second.key is not None
    assert second.key.decode() not in repr(second)


def test_files_that_change_by_halves_are_passed_over(authority: Authority, clock: Clock) -> None:
    certificate, key = authority.issue("halves")
    old = certificate.read_bytes()
    watched = WatchedTls(Tls(certificate=certificate, key=key), clock=clock.now)
    first = watched.current()
    authority.issue("halves")
    new = certificate.read_bytes()
    for content in (old, b"no certificate"):
        certificate.write_bytes(content)
        clock.sleep(1.0)
        assert watched.current() is first
    certificate.unlink()
    clock.sleep(1.0)
    assert watched.current() is first
    certificate.write_bytes(new)
    clock.sleep(1.0)
    assert watched.current().certificate == new


TRANSPORTS: dict[tuple[str, str], Callable[..., Any]] = {
    ("sync", "grpc"): GrpcTransport,
    ("sync", "http"): HttpTransport,
    ("async", "grpc"): AioGrpcTransport,
    ("async", "http"): AioHttpTransport,
}


@pytest.mark.parametrize(("kind", "protocol"), TRANSPORTS)
def test_a_changed_certificate_is_shown_by_new_connections(
    kind: str, protocol: str, authority: Authority, clock: Clock
) -> None:
    certificate, key = authority.issue("rotating")
    watched = WatchedTls(Tls(ca=authority.file, certificate=certificate, key=key), clock=clock.now)

    def connect(endpoint: Endpoint) -> Any:
        return TRANSPORTS[kind, protocol](endpoint, ONCE, tls=watched)

    with (
        FakeServer(tls=Certificate(*authority.issue("server"), authority.file)) as server,
        CALLERS[kind](PROTOCOLS[protocol](server), connect=connect, resilience=ONCE) as classify,
    ):
        classify(b"image")
        renewed = authority.issue("successor")
        key.write_bytes(renewed[1].read_bytes())
        certificate.write_bytes(renewed[0].read_bytes())
        classify(b"image")
        clock.sleep(1.0)
        classify(b"image")
        classify(b"image")
        assert server.callers == ["rotating", "rotating", "successor", "successor"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_request_under_way_outlives_the_change(protocol: str, authority: Authority, clock: Clock) -> None:
    certificate, key = authority.issue("working")
    watched = WatchedTls(Tls(ca=authority.file, certificate=certificate, key=key), clock=clock.now)

    def connect(endpoint: Endpoint) -> Any:
        return TRANSPORTS["sync", protocol](endpoint, ONCE, tls=watched)

    with (
        FakeServer(tls=Certificate(*authority.issue("server"), authority.file), answer_s=0.3) as server,
        CALLERS["sync"](PROTOCOLS[protocol](server), connect=connect, resilience=ONCE) as classify,
        ThreadPoolExecutor(4) as pool,
    ):
        under_way = [pool.submit(classify, b"image") for _ in range(3)]
        while server.requests < 3:
            pass
        authority.issue("working")
        clock.sleep(1.0)
        assert classify(b"image").release == 1
        assert [call.result().release for call in under_way] == [1, 1, 1]
