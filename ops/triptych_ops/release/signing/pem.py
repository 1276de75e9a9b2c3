"""Keys and certificates in PEM files, checked before anything long begins."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from triptych_ops.errors import MissingError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
    from cryptography.x509 import Certificate

NEW_KEY_PAIR = (
    "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out private.pem && "
    "openssl pkey -in private.pem -pubout -out public.pem"
)
_CURVES = ("secp256r1", "secp384r1", "secp521r1")  # those of the Sigstore bundle


def private_key(path: Path, *, password: bytes | None = None) -> "EllipticCurvePrivateKey":
    """The private key in `path`. A password for a key that is not encrypted is not used.

    Raises:
        MissingError: there is no such file.
        UsageError: it holds no elliptic curve key that signs releases, or the password does not open it.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    encrypted = is_encrypted(path)
    if encrypted and not password:
        raise UsageError(f"{path} is encrypted; give its password with --key-password-file or in TRIPTYCH_KEY_PASSWORD")
    try:
        key = load_pem_private_key(_read(path), password if encrypted else None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        if encrypted:
            raise UsageError(f"{path} is not opened by that password; give another") from error
        raise UsageError(f"{path} holds no private key in PEM; make a pair with: {NEW_KEY_PAIR}") from error
    if not isinstance(key, EllipticCurvePrivateKey) or key.curve.name not in _CURVES:
        raise _unsupported(path)
    return key


def is_encrypted(path: Path) -> bool:
    """Whether the private key in `path` needs a password.

    Raises:
        MissingError: there is no such file.
    """
    return b"ENCRYPTED" in _read(path)  # in the first line (PKCS #8), or in a header under it


def public_key(path: Path) -> "EllipticCurvePublicKey":
    """The public key in `path`, with which signatures can be verified.

    Raises:
        MissingError: there is no such file.
        UsageError: it holds no elliptic curve key that signs releases.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(_read(path))
    except (ValueError, UnsupportedAlgorithm) as error:
        cure = f"openssl pkey -in {path} -pubout" if b"PRIVATE KEY" in _read(path) else NEW_KEY_PAIR
        raise UsageError(f"{path} holds no public key in PEM; make one with: {cure}") from error
    if not isinstance(key, EllipticCurvePublicKey) or key.curve.name not in _CURVES:
        raise _unsupported(path)
    return key


def key_fingerprint(key: "EllipticCurvePublicKey") -> str:
    """Digest of a public key, whatever file it comes from."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    encoded = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"key sha256:{hashlib.sha256(encoded).hexdigest()}"


def certificates_fingerprint(certificates: "Iterable[Certificate]") -> str:
    """Digest of some certificates, in whatever order."""
    from cryptography.hazmat.primitives.hashes import SHA256

    each = sorted(certificate.fingerprint(SHA256()) for certificate in certificates)
    return f"certificates sha256:{hashlib.sha256(b''.join(each)).hexdigest()}"


def certificates(path: Path) -> "list[Certificate]":
    """The certificates in `path`, at least one.

    Raises:
        MissingError: there is no such file.
        UsageError: it holds no certificates in PEM.
    """
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(_read(path))
    except ValueError as error:
        raise UsageError(f"{path} holds no certificates in PEM; name a file that does") from error


def _read(path: Path) -> bytes:
    if not path.exists():
        raise MissingError(f"there is no file {path}; name a PEM file")
    if not path.is_file():  # a pipe could be read only once
        raise UsageError(f"{path} is no plain file; name a PEM file")
    return path.read_bytes()


def _unsupported(path: Path) -> UsageError:
    return UsageError(f"{path} is not an elliptic curve key on P-256, P-384 or P-521; make a pair with: {NEW_KEY_PAIR}")
