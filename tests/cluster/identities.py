"""The cluster's certificate authority and who it certifies: each program is its own user, as on a real cluster."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cluster.addresses import API_SERVICE, NODE
from cluster.layout import NODE_NAME

METRICS_HOST = "external-metrics.kube-system.svc"
"""As the API server calls the API of external metrics."""

_LIFE = timedelta(days=30)
_SERVICE = "kubernetes.default.svc"


@dataclass(frozen=True, slots=True)
class Identity:
    """A user of the API and its groups; with `hosts` also a server under these names."""

    file: str
    user: str
    groups: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


IDENTITIES = (
    Identity("admin", "admin", ("system:masters",)),
    Identity(
        "apiserver",
        "kube-apiserver",
        hosts=("kubernetes", "kubernetes.default", _SERVICE, "localhost", API_SERVICE, NODE, "127.0.0.1"),
    ),
    Identity("apiserver-to-kubelet", "kube-apiserver-kubelet-client", ("system:masters",)),
    Identity("front-proxy", "front-proxy-client"),
    Identity("controller-manager", "system:kube-controller-manager"),
    Identity("scheduler", "system:kube-scheduler"),
    Identity("proxy", "system:kube-proxy"),
    Identity("gateway", "traefik"),
    Identity("names", "coredns"),
    Identity("metrics", "metrics", hosts=(METRICS_HOST,)),
    Identity("kubelet", f"system:node:{NODE_NAME}", ("system:nodes",), (NODE_NAME, NODE)),
)


def write_certificates(folder: Path, identities: Iterable[Identity] = IDENTITIES) -> None:
    """A new authority (ca), the key pair of service accounts, and NAME.crt and NAME.key of each identity."""
    folder.mkdir(mode=0o700)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "triptych-cluster")])
    now = datetime.now(UTC)
    authority = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - _LIFE)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(folder, "ca", key, authority)
    tokens = ec.generate_private_key(ec.SECP256R1())
    _write(folder, "service-accounts", tokens)
    public = tokens.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "service-accounts.pub").write_bytes(public)
    for identity in identities:
        own_key = ec.generate_private_key(ec.SECP256R1())
        _write(folder, identity.file, own_key, _certificate(identity, own_key, authority, key))


def _certificate(
    identity: Identity,
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, identity.user)]
    subject += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in identity.groups]
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if identity.hosts else [])]
    builder = (
        x509.CertificateBuilder(authority.subject, x509.Name(subject), key.public_key(), x509.random_serial_number())
        .not_valid_before(authority.not_valid_before_utc)
        .not_valid_after(authority.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    )
    if identity.hosts:
        names = x509.SubjectAlternativeName([_alternative(host) for host in identity.hosts])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(authority_key, hashes.SHA256())


def _alternative(host: str) -> x509.GeneralName:
    return x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)


def _write(
    folder: Path, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate | None = None
) -> None:
    (folder / f"{name}.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    if certificate is not None:
        (folder / f"{name}.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
