"""Who signs, and the signing."""

import hashlib
import tempfile
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from triptych_ops.errors import OpsError, RefusedError, UsageError
from triptych_ops.release.integrity import MANIFEST, SIGNATURE
from triptych_ops.release.manifest import Manifest
from triptych_ops.scratch import scratch_folder

from . import pem
from .bundle import signed_files

if TYPE_CHECKING:
    from model_signing.signing import Config


class Signer(ABC):
    """Who signs."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Text that tells this signer from every other; equal to that of a `KeyTrust` in the same key."""

    @abstractmethod
    def configure(self, config: "Config") -> None:
        """Set this signer in Model Signing's configuration.

        Raises:
            OpsError: the signer cannot sign.
        """


@dataclass(frozen=True, slots=True)
class KeySigner(Signer):
    """Signs with an elliptic curve key: PEM, P-256, P-384 or P-521.

    Raises:
        MissingError: there is no such file.
        UsageError: it is no such key, or the password does not open it.
    """

    private_key: Path
    password: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        pem.private_key(self.private_key, password=self.password)

    @property
    def fingerprint(self) -> str:
        """Digest of the public key."""
        return pem.key_fingerprint(pem.private_key(self.private_key, password=self.password).public_key())

    def configure(self, config: "Config") -> None:
        """Set this signer in Model Signing's configuration."""
        password = self.password if pem.is_encrypted(self.private_key) else None
        # Annotated as text, but Model Signing hands it to cryptography as it is, which takes bytes alone.
        config.use_elliptic_key_signer(private_key=self.private_key, password=password)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class CertificateSigner(Signer):
    """Signs with the key of a certificate, which travels with the signature, as does `chain`.

    Raises:
        MissingError: there is no such file.
        UsageError: the key is none for a `KeySigner`, is encrypted, or is not the certificate's; or a file holds
            no certificates.
    """

    private_key: Path
    certificate: Path
    chain: Path | None = None  # the certificates between this one and the authority that verifiers trust

    def __post_init__(self) -> None:
        if pem.is_encrypted(self.private_key):
            raise UsageError(f"{self.private_key} is encrypted, so it signs only without --certificate; decrypt it")
        key = pem.private_key(self.private_key)
        if pem.certificates(self.certificate)[0].public_key() != key.public_key():
            raise UsageError(f"{self.certificate} is not the certificate of {self.private_key}; name the one that is")
        if self.chain:
            pem.certificates(self.chain)

    @property
    def fingerprint(self) -> str:
        """Digest of the certificate."""
        return pem.certificates_fingerprint(pem.certificates(self.certificate)[:1])

    def configure(self, config: "Config") -> None:
        """Set this signer in Model Signing's configuration."""
        config.use_certificate_signer(
            private_key=self.private_key,
            signing_certificate=self.certificate,
            # It fails on an empty chain; the certificate in its own chain changes nothing.
            certificate_chain=[self.chain or self.certificate],
        )


@dataclass(frozen=True, slots=True)
class SigstoreSigner(Signer):
    """Signs as an OpenID Connect identity through the public Sigstore, whose log everybody can read.

    Without a token: the identity that the machine has, as in CI; or else the browser asks.
    """

    identity_token: str | None = field(default=None, repr=False)

    @property
    def fingerprint(self) -> str:
        """The same for all identities: which one signs is known only once it has signed."""
        return "sigstore"

    def configure(self, config: "Config") -> None:
        """Set this signer in Model Signing's configuration.

        Raises:
            OpsError: Sigstore cannot be reached.
        """
        from sigstore.errors import Error

        try:
            config.use_sigstore_signer(use_ambient_credentials=True, identity_token=self.identity_token)
        except Error as error:
            raise OpsError(f"Sigstore cannot be reached: {error}; check the network") from error


def sign(folder: Path, signer: Signer, *, document: bytes | None = None) -> bytes:
    """The content of `release.sig` for the release in `folder`.

    `document` is the release.json that was checked, and alone is signed; None: the one in the folder.

    Raises:
        RefusedError: a file is not what the manifest says: what was altered is never signed.
        OpsError: the signer could not sign.
    """
    document = (folder / MANIFEST).read_bytes() if document is None else document
    manifest = Manifest.from_json(document, source=str(folder / MANIFEST))
    bundle = _bundle(folder, signer, called=f"release {manifest.number}")

    # Compared afterwards: these are the digests that were signed, whatever happened to the folder meanwhile.
    files = {name: digest.sha256 for name, digest in manifest.files.items()}
    expected = {MANIFEST: hashlib.sha256(document).hexdigest(), **files}
    signed = signed_files(bundle, source=SIGNATURE)
    for name, _ in sorted(signed.items() ^ expected.items()):
        raise RefusedError(f"{folder / name} is not what the manifest says, so nothing was signed; build or pull again")
    return bundle


def sign_document(name: str, content: bytes, signer: Signer) -> bytes:
    """A bundle over one small file, as if it were the only one of a folder; `name` is its path there, and is signed.

    Raises:
        OpsError: the signer could not sign.
    """
    with scratch_folder(Path(tempfile.gettempdir()), prefix="triptych-document-") as folder:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        return _bundle(folder, signer, called=name)


def _bundle(folder: Path, signer: Signer, *, called: str) -> bytes:
    from model_signing import hashing, signing

    everything = hashing.Config().set_ignored_paths(paths=[SIGNATURE], ignore_git_paths=False)  # type: ignore[no-untyped-call]
    config = signing.Config().set_hashing_config(everything)  # type: ignore[no-untyped-call]
    signer.configure(config)
    with scratch_folder(Path(tempfile.gettempdir()), prefix="triptych-sign-") as scratch:
        try:
            config.sign(folder.resolve(), scratch / SIGNATURE)
        except OSError:
            raise
        except Exception as error:  # Model Signing has no error of its own, and its libraries have many
            raise OpsError(f"{called} could not be signed: {error}") from error
        return (scratch / SIGNATURE).read_bytes()
