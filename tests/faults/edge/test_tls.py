"""Case 39: TLS clients that must not come in, and certificates that change while others talk."""

import socket
import ssl
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from cryptography import x509

from certificates import Authority
from edges import METHOD, ask_http, edge_before, grpc_bytes, http_request
from triptych_ops.runtime import Server
from triptych_ops.runtime.edge import Edge, TlsFiles

ROTATIONS = 5


@dataclass(frozen=True, slots=True)
class Secured:
    """An edge with TLS that wants client certificates, and who may and may not come in."""

    edge: Edge
    authority: Authority
    stranger: Authority
    folder: Path

    def context(self, certificate: tuple[Path, Path] | None) -> ssl.SSLContext:
        """Of a client that trusts the authority and shows a certificate."""
        context = ssl.create_default_context(cafile=str(self.authority.file))
        if certificate:
            context.load_cert_chain(*certificate)
        return context


@pytest.fixture
def secured(server: Server, authority: Authority, tmp_path: Path) -> Iterator[Secured]:
    tls = TlsFiles(*authority.issue("server"), authority.file)
    (tmp_path / "elsewhere").mkdir()
    stranger = Authority(tmp_path / "elsewhere", "stranger")
    with edge_before(server.ports, tls=tls) as edge:
        yield Secured(edge, authority, stranger, tmp_path)


def plain(secured: Secured) -> ssl.SSLContext | None:  # noqa: ARG001
    return None


def old(secured: Secured) -> ssl.SSLContext:
    context = secured.context(secured.authority.issue("client"))
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def unnamed(secured: Secured) -> ssl.SSLContext:
    return secured.context(None)


def strange(secured: Secured) -> ssl.SSLContext:
    return secured.context(secured.stranger.issue("client"))


def expired(secured: Secured) -> ssl.SSLContext:
    return secured.context(secured.authority.issue("late", expired=True))


BAD: Mapping[str, Callable[[Secured], ssl.SSLContext | None]] = {
    "without TLS": plain,
    "with TLS 1.1": old,
    "without a certificate": unnamed,
    "with a stranger's certificate": strange,
    "with an expired certificate": expired,
}


_FIRST = {
    "http/1.1": b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
    "h2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
}


def heard(port: int, context: ssl.SSLContext | None, protocol: str) -> str:
    """What a client that begins so hears: `an answer`, or how it was let go."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            if context is None:
                connection.sendall(_FIRST[protocol])
                return {b"": "the end", b"\x15": "an alert"}.get(connection.recv(100)[:1], "an answer")
            context.set_alpn_protocols([protocol])
            with context.wrap_socket(connection, server_hostname="127.0.0.1") as stream:
                stream.sendall(_FIRST[protocol])
                return "an answer" if stream.recv(100) else "the end"
    except (ssl.SSLError, ConnectionError) as error:
        return repr(error)


def test_five_bad_clients_are_refused_and_a_good_one_is_not(secured: Secured, photograph: bytes) -> None:
    ports = {"http/1.1": secured.edge.settings.http_port, "h2": secured.edge.settings.grpc_port}
    found = {
        (name, protocol): heard(port, bad(secured), protocol)
        for name, bad in BAD.items()
        for protocol, port in ports.items()
    }
    refused = sum(words != "an answer" for words in found.values())
    print(f"case 39: {refused} of {len(found)} refused (5 bad TLS clients x HTTP and gRPC)")
    assert refused == 10, found
    for protocol, port in ports.items():  # the control: the same words of a good client are answered
        assert heard(port, secured.context(secured.authority.issue("client")), protocol) == "an answer"
    context = secured.context(secured.authority.issue("client"))
    body, headers = http_request([photograph])
    assert ask_http(secured.edge.settings.http_port, body, headers, context=context).status == 200


def served_serial(port: int, context: ssl.SSLContext) -> int:
    """The serial number of the certificate that a new connection gets."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as connection,
        context.wrap_socket(connection, server_hostname="127.0.0.1") as stream,
    ):
        certificate = stream.getpeercert(binary_form=True)
    assert certificate is not None
    return x509.load_der_x509_certificate(certificate).serial_number


def test_certificates_change_and_nobody_notices(secured: Secured, photograph: bytes) -> None:
    client = secured.authority.issue("client")
    body, headers = http_request([photograph])
    stop, failures, answers = threading.Event(), list[object](), list[int]()

    def ask_over_new_connections() -> None:
        while not stop.is_set():
            try:
                port = secured.edge.settings.http_port
                answers.append(ask_http(port, body, headers, context=secured.context(client)).status)
            except OSError as error:
                failures.append(error)

    def ask_over_one_connection() -> None:
        credentials = grpc.ssl_channel_credentials(
            secured.authority.file.read_bytes(), *(path.read_bytes() for path in reversed(client))
        )
        with grpc.secure_channel(f"127.0.0.1:{secured.edge.settings.grpc_port}", credentials) as channel:
            call = channel.unary_unary(METHOD)
            message = grpc_bytes([photograph])
            while not stop.is_set():
                try:
                    call(message, timeout=30)
                    answers.append(200)
                except grpc.RpcError as error:
                    failures.append(error)

    asking = [threading.Thread(target=ask) for ask in (ask_over_new_connections, ask_over_one_connection)]
    for thread in asking:
        thread.start()
    slowest_s = 0.0
    for _ in range(ROTATIONS):
        changed_s = time.monotonic()
        file, _ = secured.authority.issue("server")
        new = x509.load_pem_x509_certificate(file.read_bytes()).serial_number
        for port in (secured.edge.settings.http_port, secured.edge.settings.grpc_port):
            while served_serial(port, secured.context(client)) != new:
                assert time.monotonic() - changed_s < 10
        slowest_s = max(slowest_s, time.monotonic() - changed_s)
        time.sleep(0.3)
    stop.set()
    for thread in asking:
        thread.join()
    print(
        f"case 39: {ROTATIONS} certificates changed under {len(answers)} requests, {len(failures)} failed; "
        f"the new one was served after {slowest_s:.2f} s at most"
    )
    assert failures == []
    assert set(answers) == {200}
    assert len(answers) > 20


def test_a_change_that_does_not_fit_is_not_taken_up(secured: Secured, photograph: bytes) -> None:
    """The control: the files are read anew, and what is served stays what fits."""
    client = secured.authority.issue("client")
    context = secured.context(client)
    before = served_serial(secured.edge.settings.http_port, context)
    broken = secured.folder / "server.crt.new"
    broken.write_text("no certificate")
    broken.rename(secured.folder / "server.crt")
    time.sleep(0.5)
    assert served_serial(secured.edge.settings.http_port, context) == before
    body, headers = http_request([photograph])
    assert ask_http(secured.edge.settings.http_port, body, headers, context=context).status == 200


def test_clients_of_a_new_authority_come_in_once_it_is_trusted(secured: Secured, photograph: bytes) -> None:
    context = secured.context(secured.stranger.issue("client"))
    port = secured.edge.settings.http_port
    assert heard(port, context, "http/1.1") != "an answer"
    both = secured.folder / "both.new"
    both.write_bytes(secured.authority.file.read_bytes() + secured.stranger.file.read_bytes())
    both.rename(secured.authority.file)
    deadline = time.monotonic() + 10
    while heard(port, context, "http/1.1") != "an answer":
        assert time.monotonic() < deadline
    body, headers = http_request([photograph])
    assert ask_http(port, body, headers, context=context).status == 200
