"""A certificate authority of a test's own."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_DAY = timedelta(days=1)


class Authority:
    """Signs certificates for 127.0.0.1 or names, for servers and clients, as PEM files in `folder`."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder(self._name, self._name, self._key.public_key(), x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + _DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(certificate.public_bytes(Encoding.PEM))

    def issue(self, name: str, *, expired: bool = False, hosts: Sequence[str] = ()) -> tuple[Path, Path]:
        """A new certificate and its key; of an existing name they are replaced by renames, the key first.

        hosts: the names of the server, instead of 127.0.0.1
        """
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder(self._name, _named(name), key.public_key(), x509.random_serial_number())
            .not_valid_before(now - 2 * _DAY)
            .not_valid_after(now - _DAY if expired else now + _DAY)
            .add_extension(x509.SubjectAlternativeName(_servers(hosts)), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        contents = {
            "key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            "crt": certificate.public_bytes(Encoding.PEM),
        }
        for suffix, content in contents.items():
            new = self._folder / f"{name}.{suffix}.new"
            new.write_bytes(content)
            new.rename(self._folder / f"{name}.{suffix}")
        return self._folder / f"{name}.crt", self._folder / f"{name}.key"


def _servers(hosts: Sequence[str]) -> list[x509.GeneralName]:
    return [*map(x509.DNSName, hosts)] or [x509.IPAddress(ip_address("127.0.0.1"))]


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
