"""How a fake server speaks TLS."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files of a server that is spoken to through TLS.

    client_ca: clients must show a certificate of one of these authorities
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None


def grpc_credentials(tls: Certificate) -> Any:
    """Of a gRPC server."""
    pair = (tls.key.read_bytes(), tls.certificate.read_bytes())
    authorities = tls.client_ca.read_bytes() if tls.client_ca else None
    return grpc.ssl_server_credentials([pair], authorities, require_client_auth=authorities is not None)


def http_context(tls: Certificate) -> ssl.SSLContext:
    """Of an HTTP server."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=tls.client_ca)
    context.load_cert_chain(tls.certificate, tls.key)
    if tls.client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def common_name(certificate: Mapping[str, Any] | None) -> str:
    """Whose a client's certificate is, as `ssl` tells it; "" without one."""
    subject = (certificate or {}).get("subject", ())
    return next((value for part in subject for name, value in part if name == "commonName"), "")
