"""Signatures by the owners of certificates."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import oid

from triptych_ops.errors import RefusedError, UsageError
from triptych_ops.release.signing import (
    CertificateSigner,
    CertificateTrust,
    KeySigner,
    KeyTrust,
    Trust,
    sign,
    sign_document,
)

from .conftest import GRAPH, MakeRelease, Pair, pem_of, put


class Authority:
    """Issues certificates; signed by itself, or by `parent`."""

    def __init__(self, folder: Path, name: str, parent: "Authority | None" = None) -> None:
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        issuer = parent or self
        self.certificate = issuer.issued(name, self.key.public_key(), ca=True)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self.certificate)

    def issued(
        self,
        name: str,
        key: ec.EllipticCurvePublicKey,
        *,
        ca: bool = False,
        signs: bool = True,
        valid: timedelta = timedelta(days=365),
    ) -> bytes:
        def called(words: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, words)])

        start = datetime(2026, 1, 1, tzinfo=UTC)
        usage = dict.fromkeys(
            ("content_commitment", "data_encipherment", "key_agreement", "crl_sign", "encipher_only", "decipher_only"),
            False,
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(called(name))
            .issuer_name(called(self.name))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + valid)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(
                x509.KeyUsage(digital_signature=signs, key_cert_sign=ca, key_encipherment=not signs, **usage),
                critical=True,
            )
            .add_extension(x509.ExtendedKeyUsage([oid.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        )
        if ca:
            builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def root(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "root")


def certified(folder: Path, pair: Pair, certificate: bytes, chain: Path | None = None) -> None:
    """Sign the release as the owner of a certificate."""
    file = pair.private.with_name("certificate.pem")
    file.write_bytes(certificate)
    put(folder, sign(folder, CertificateSigner(pair.private, file, chain)))


def test_a_certificate_is_accepted_from_its_authority_and_from_no_other(
    release: MakeRelease, pair: Pair, root: Authority, tmp_path: Path
) -> None:
    folder = release(7)
    certified(folder, pair, root.issued("signer", pair.key.public_key()))
    CertificateTrust(root.file).require(folder, number=7)
    other = Authority(tmp_path, "other")
    with pytest.raises(RefusedError, match=r"is not signed by a certificate of .*other\.pem \(unable to get"):
        CertificateTrust(other.file).require(folder, number=7)
    # The same name with another key.
    (tmp_path / "false").mkdir()
    false = Authority(tmp_path / "false", "root")
    with pytest.raises(RefusedError, match="is not signed by a certificate of"):
        CertificateTrust(false.file).require(folder, number=7)
    (folder / GRAPH).write_text("altered", encoding="utf-8")
    with pytest.raises(RefusedError, match="was altered after it was signed"):
        CertificateTrust(root.file).require(folder, number=7)


def test_a_certificate_brings_those_between_it_and_the_root(
    release: MakeRelease, pair: Pair, root: Authority, tmp_path: Path
) -> None:
    between = Authority(tmp_path, "between", parent=root)
    certificate = between.issued("signer", pair.key.public_key())
    folder = release(7)
    certified(folder, pair, certificate, chain=between.file)
    CertificateTrust(root.file).require(folder, number=7)
    certified(folder, pair, certificate)
    with pytest.raises(RefusedError, match="unable to get"):
        CertificateTrust(root.file).require(folder, number=7)


def test_a_certificate_for_something_else_is_refused(release: MakeRelease, pair: Pair, root: Authority) -> None:
    folder = release(7)
    certified(folder, pair, root.issued("server", pair.key.public_key(), signs=False))
    with pytest.raises(RefusedError, match="Signing certificate cannot be used for signing"):
        CertificateTrust(root.file).require(folder, number=7)


def test_an_expired_certificate_still_verifies_what_it_signed(
    release: MakeRelease, pair: Pair, root: Authority
) -> None:
    folder = release(7)
    certified(folder, pair, root.issued("signer", pair.key.public_key(), valid=timedelta(seconds=1)))
    CertificateTrust(root.file).require(folder, number=7)


def test_a_key_does_not_stand_for_a_certificate_nor_the_other_way_round(
    release: MakeRelease, pair: Pair, trust: Trust, root: Authority
) -> None:
    folder = release(7)
    put(folder, sign(folder, KeySigner(pair.private)))
    with pytest.raises(RefusedError, match=r"is not signed by a certificate of .*root\.pem; ask who signed it$"):
        CertificateTrust(root.file).require(folder, number=7)
    certified(folder, pair, root.issued("signer", pair.key.public_key()))
    with pytest.raises(RefusedError, match=r"is not signed by the key .*public\.pem; ask who signed it$"):
        trust.require(folder, number=7)


def test_what_cannot_sign_as_a_certificates_owner(pair: Pair, root: Authority, tmp_path: Path) -> None:
    certificate = tmp_path / "certificate.pem"
    certificate.write_bytes(root.issued("signer", ec.generate_private_key(ec.SECP256R1()).public_key()))
    with pytest.raises(UsageError, match=r"certificate\.pem is not the certificate of .*private\.pem"):
        CertificateSigner(pair.private, certificate)
    certificate.write_bytes(root.issued("signer", pair.key.public_key()))
    assert CertificateSigner(pair.private, certificate)
    with pytest.raises(UsageError, match=r"public\.pem holds no certificates in PEM"):
        CertificateSigner(pair.private, certificate, pair.public)
    pair.private.write_bytes(pem_of(pair.key, b"secret"))
    with pytest.raises(UsageError, match="is encrypted, so it signs only without --certificate"):
        CertificateSigner(pair.private, certificate)


def test_a_small_document_is_signed_and_verified_as_a_release_is(pair: Pair, root: Authority, tmp_path: Path) -> None:
    """As an entry of an alias: under its name, by a certificate of the right authority alone."""
    file = pair.private.with_name("certificate.pem")
    file.write_bytes(root.issued("release-signer", pair.key.public_key()))
    name, content = "aliases/stable/000001.json", b"{}"
    bundle = sign_document(name, content, CertificateSigner(pair.private, file))
    trust = CertificateTrust(root.file)
    trust.require_document(name, content, bundle, called=name)
    with pytest.raises(RefusedError, match="signs something else"):
        trust.require_document(name, b"{ }", bundle, called=name)
    other = CertificateTrust(Authority(tmp_path, "other").file)
    with pytest.raises(RefusedError, match=r"000001\.json is not signed by a certificate of .*other\.pem"):
        other.require_document(name, content, bundle, called=name)
    assert len({trust.fingerprint, other.fingerprint, CertificateSigner(pair.private, file).fingerprint}) == 3
    key = Pair(tmp_path / "another")
    with pytest.raises(RefusedError, match="is not signed by the key"):
        KeyTrust(key.public).require_document(name, content, bundle, called=name)
