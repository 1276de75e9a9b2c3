"""Whom to believe: a release is accepted only with the right signature, over all of it, under its own number."""

import contextlib
import hashlib
import os
import re
import stat
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from triptych_ops.errors import OpsError, RefusedError, UsageError
from triptych_ops.release.integrity import MANIFEST, SIGNATURE, is_of_the_disk
from triptych_ops.release.manifest import Manifest
from triptych_ops.scratch import scratch_folder

from . import pem
from .bundle import signed_files

if TYPE_CHECKING:
    from model_signing.verifying import Config

_LARGEST_SIGNATURE_BYTES = 16 << 20  # some 80,000 files
_VERSION = re.compile(r"repository/[^/]+/([0-9]+)/")


class Trust(ABC):
    """Whose signature is accepted."""

    @property
    @abstractmethod
    def accepted(self) -> str:
        """Who is meant, in words that follow "signed by"."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Text that tells whose signature is accepted from every other, whatever the files are called."""

    @abstractmethod
    def configure(self, config: "Config") -> None:
        """Set this signer in Model Signing's configuration.

        Raises:
            OpsError: nothing can be verified now.
        """

    def require(self, folder: Path, *, number: int, manifest_sha256: str | None = None) -> None:
        """Let the release in `folder` pass as release `number`, signed by the accepted signer and unaltered since.

        `manifest_sha256` is of the manifest that was checked, and alone may be signed; None: the one in the folder.

        Raises:
            RefusedError: it is not signed, or by another; a file was altered, added, removed or is a link; the
                signature cannot be read; or it is another release.
            OpsError: nothing can be verified now.
        """
        bundle = _signature(folder, number)
        signed = signed_files(bundle, source=str(folder / SIGNATURE))
        # What Model Signing lets pass, a signature that leaves out files as well, is refused here.
        _require_same_names(folder, signed, number)
        config = self._config()
        try:
            _verify(config, folder, bundle)
        except OSError:
            raise
        except Exception as error:  # Model Signing has no error of its own, and its libraries have many
            raise self._refusal(folder, signed, number, error) from error
        manifest = Manifest.from_file(folder / MANIFEST)
        if manifest.number != number:
            raise _another(number, signed_number=str(manifest.number))
        if manifest_sha256 not in (None, signed[MANIFEST]):
            raise _altered(folder / MANIFEST, "was exchanged while it was checked")

    def require_document(self, name: str, content: bytes, bundle: bytes, *, called: str) -> None:
        """Let a small file pass that `sign_document` signed under this name; `called` names it in errors.

        Raises:
            RefusedError: the bundle is no signature, or another signer's, or signs anything else.
            OpsError: nothing can be verified now.
        """
        signed = signed_files(bundle, source=f"the signature of {called}")
        if signed != {name: hashlib.sha256(content).hexdigest()}:
            raise RefusedError(f"the signature of {called} signs something else, so it is refused; sign it again")
        config = self._config()
        try:
            with scratch_folder(Path(tempfile.gettempdir()), prefix="triptych-document-") as folder:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
                _verify(config, folder, bundle)
        except OSError:
            raise
        except Exception as error:
            raise self._not_signed(called, error) from error

    def _config(self) -> "Config":
        from model_signing import hashing, verifying

        everything = hashing.Config().set_ignored_paths(paths=[SIGNATURE], ignore_git_paths=False)  # type: ignore[no-untyped-call]
        config = verifying.Config().set_hashing_config(everything)  # type: ignore[no-untyped-call]
        config.set_ignore_unsigned_files(True)  # there are none but those of the disk
        self.configure(config)
        return config

    def _refusal(self, folder: Path, signed: Mapping[str, str], number: int, error: Exception) -> RefusedError:
        for name, sha256 in sorted(signed.items()):
            with (folder / name).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                    return _altered(folder / name, "was altered after it was signed")
        return self._not_signed(f"release {number}", error)

    def _not_signed(self, called: str, error: Exception) -> RefusedError:
        words = " ".join(str(error).split()).rstrip(".")
        # Python's own words for a part that the bundle lacks say nothing; a key mismatch is what is said anyhow.
        if isinstance(error, AttributeError | LookupError | TypeError) or words.startswith("Key mismatch"):
            words = ""
        reason = f" ({words})" if words else ""
        return RefusedError(f"{called} is not signed by {self.accepted}{reason}; ask who signed it")


@dataclass(frozen=True, slots=True)
class KeyTrust(Trust):
    """Accepts the owner of a key, by its public half: PEM, P-256, P-384 or P-521.

    Raises:
        MissingError: there is no such file.
        UsageError: it is no such key.
    """

    public_key: Path

    def __post_init__(self) -> None:
        pem.public_key(self.public_key)

    @property
    def fingerprint(self) -> str:
        """Digest of the key."""
        return pem.key_fingerprint(pem.public_key(self.public_key))

    @property
    def accepted(self) -> str:
        """Who is meant."""
        return f"the key {self.public_key}"

    def configure(self, config: "Config") -> None:
        """Set this signer in Model Signing's configuration."""
        config.use_elliptic_key_verifier(public_key=self.public_key)


@dataclass(frozen=True, slots=True)
class CertificateTrust(Trust):
    """Accepts whoever has a certificate for digital signatures from these authorities, and from no others.

    Model Signing checks a certificate at the moment from which it is valid, so an expired one still verifies what
    it signed, and asks for no revocation. So trust an authority that certifies signers of releases alone.

    Raises:
        MissingError: there is no such file.
        UsageError: it holds no certificates in PEM.
    """

    authorities: Path  # PEM, the self-signed root included

    def __post_init__(self) -> None:
        pem.certificates(self.authorities)

    @property
    def fingerprint(self) -> str:
        """Digest of the authorities' certificates."""
        return pem.certificates_fingerprint(pem.certificates(self.authorities))

    @property
    def accepted(self) -> str:
        """Who is meant."""
        return f"a certificate of {self.authorities}"

    def configure(self, config: "Config") -> None:
        """Set this signer in Model Signing's configuration."""
        config.use_certificate_verifier(certificate_chain=[self.authorities])


@dataclass(frozen=True, slots=True)
class SigstoreTrust(Trust):
    """Accepts one OpenID Connect identity, as the public Sigstore certified and logged it.

    Raises:
        UsageError: the identity or its provider is empty.
    """

    identity: str  # an e-mail address, or the URI of a workload
    provider: str  # URL of who vouches for it

    def __post_init__(self) -> None:
        if not self.identity or not self.provider:
            raise UsageError("an identity is accepted from one provider; name both")

    @property
    def fingerprint(self) -> str:
        """The identity and its provider."""
        return f"identity {self.identity} of {self.provider}"

    @property
    def accepted(self) -> str:
        """Who is meant."""
        return f"{self.identity} of {self.provider}"

    def configure(self, config: "Config") -> None:
        """Set this signer in Model Signing's configuration.

        Raises:
            OpsError: Sigstore's own keys cannot be fetched.
        """
        from sigstore.errors import Error

        try:
            config.use_sigstore_verifier(identity=self.identity, oidc_issuer=self.provider)
        except Error as error:
            raise OpsError(f"Sigstore cannot be reached: {error}; check the network") from error


def _verify(config: "Config", folder: Path, bundle: bytes) -> None:
    with (
        open(os.devnull, "w") as nowhere,  # noqa: PTH123  Model Signing may print
        contextlib.redirect_stdout(nowhere),
        scratch_folder(Path(tempfile.gettempdir()), prefix="triptych-trust-") as scratch,
    ):
        (scratch / SIGNATURE).write_bytes(bundle)  # the very one that was read before
        config.verify(folder.resolve(), scratch / SIGNATURE)


def _signature(folder: Path, number: int) -> bytes:
    path = folder / SIGNATURE
    if not os.path.lexists(path):
        raise RefusedError(f"release {number} is not signed; sign it with: triptych release sign {number} --key …")
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST_SIGNATURE_BYTES:
        raise RefusedError(f"{path} is a link, a special file or too large for a signature; sign the release again")
    return path.read_bytes()


def _require_same_names(folder: Path, signed: Mapping[str, str], number: int) -> None:
    found = set()
    for path in _paths(folder):
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            found.add(path.relative_to(folder).as_posix())
        elif not stat.S_ISDIR(mode):
            raise _altered(path, "is a link or a special file, which no release may hold")
    found.discard(SIGNATURE)
    versions = {match[1] for name in signed if (match := _VERSION.match(name))}
    if versions and str(number) not in versions:
        raise _another(number, signed_number=min(versions))
    for name in sorted(found ^ signed.keys()):
        raise _altered(folder / name, "was added after it was signed" if name in found else "is signed but missing")


def _paths(folder: Path) -> Iterator[Path]:
    for top in folder.iterdir():
        if not is_of_the_disk(top.name):
            yield top
            yield from top.rglob("*")


def _another(number: int, *, signed_number: str) -> RefusedError:
    return RefusedError(
        f"release {number} is what was signed as release {signed_number}, so it is refused; build or pull it again"
    )


def _altered(path: Path, problem: str) -> RefusedError:
    return RefusedError(f"{path} {problem}; the release is refused, build or pull it again")
