"""Whom a client trusts, and the certificate that it shows; files that change are read anew."""

import os
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from .. import forks

PathInput: TypeAlias = str | os.PathLike[str]

_LOOK_S = 1.0
"""Between two looks at the files: three of them are read in 0.1 ms."""

_RENAMES_S = 0.02  # between that of the key and that of its certificate, and many times more
_MOST_TRIES = 10
_MOST_BYTES = 16 * 1024 * 1024  # a bundle of every public authority has 250 KB


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Files in PEM for servers at `grpcs://` and `https://`. There is no way to leave the server unchecked.

    ca:          the authorities that may have signed the server's certificate, instead of the system's
    certificate: of this client, with its chain, for servers that want one
    key:         its private key, not encrypted

    A changed file is taken up within a second, with connections of its own: requests under way end where they are.
    What does not fit together, as between the renames of certificate and key, is passed over until it does.

    Raises:
        ValueError: a file cannot be read or is no PEM of its kind, the key is not the certificate's or is encrypted, or
            one of the two is missing.
    """

    ca: PathInput | None = None
    certificate: PathInput | None = None
    key: PathInput | None = None

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            missing, given = ("key", "certificate") if self.key is None else ("certificate", "key")
            raise ValueError(f"TLS has a {given} and no {missing}; give both files, or neither")
        if self.given:
            _settled(self)

    @property
    def given(self) -> bool:
        """Whether it names any file."""
        return self.ca is not None or self.certificate is not None


@dataclass(frozen=True, slots=True)
class Material:
    """What the files held at one time; None for what is not given."""

    ca: bytes | None
    certificate: bytes | None
    key: bytes | None = field(repr=False)
    context: ssl.SSLContext = field(compare=False, repr=False)


class WatchedTls:
    """The files of a `Tls` as they are now. Thread-safe.

    clock: seconds, monotonic
    """

    def __init__(self, tls: Tls | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._tls = tls = tls or Tls()
        self._clock = clock
        self._lock = threading.Lock()
        self._material = _settled(tls)
        self._looked_at = clock()
        forks.register(self)

    def after_fork(self) -> None:
        """Replace the lock, which a thread of the parent process may have held."""
        self._lock = threading.Lock()

    @property
    def shows_certificate(self) -> bool:
        """Whether a server that wants a certificate gets one."""
        return self._tls.certificate is not None

    def current(self) -> Material:
        """The last that fit together; the same object until a file has changed."""
        if not self._tls.given or self._clock() - self._looked_at < _LOOK_S:
            return self._material
        with self._lock:
            if self._clock() - self._looked_at >= _LOOK_S:
                self._looked_at = self._clock()
                with suppress(ValueError):
                    if _contents(self._tls) != _contents_of(self._material):
                        self._material = _material(self._tls)
            return self._material


def system_authorities() -> bytes | None:
    """The authorities that the system trusts, in PEM; None where they are in no single file."""
    file = ssl.get_default_verify_paths().cafile
    return Path(file).read_bytes() if file else None


def context_of(tls: Tls) -> ssl.SSLContext:
    """What the files amount to, for a client.

    Raises:
        ValueError: as `Tls`.
    """
    _contents(tls)  # names the file that cannot be read
    try:
        context = ssl.create_default_context(cafile=tls.ca)
    except OSError as error:
        raise ValueError(f"{tls.ca} has no certificate in PEM; name the file of an authority") from error
    context.set_alpn_protocols(["http/1.1"])
    if tls.certificate is None or tls.key is None:
        return context
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=_no_password)
    except OSError as error:
        mismatched = getattr(error, "reason", None) == "KEY_VALUES_MISMATCH"
        raise ValueError(
            f"{tls.key} is not the key of {tls.certificate}; give the two that were made together"
            if mismatched
            else f"{tls.certificate} and {tls.key} are not a certificate and its key in PEM"
        ) from error
    return context


def _settled(tls: Tls) -> Material:
    """As `_material`, once more for each time that the files change meanwhile."""
    for _ in range(_MOST_TRIES):
        before = _contents(tls)
        try:
            return _material(tls)
        except ValueError:
            time.sleep(_RENAMES_S)
            if _contents(tls) == before:
                raise
    return _material(tls)


def _material(tls: Tls) -> Material:
    contents = _contents(tls)
    context = context_of(tls)
    if _contents(tls) != contents:
        raise ValueError("the files change just now; try again")
    return Material(*contents, context)


def _contents(tls: Tls) -> tuple[bytes | None, bytes | None, bytes | None]:
    return _read(tls.ca), _read(tls.certificate), _read(tls.key)


def _contents_of(material: Material) -> tuple[bytes | None, bytes | None, bytes | None]:
    return material.ca, material.certificate, material.key


def _read(path: PathInput | None) -> bytes | None:
    if path is None:
        return None
    try:
        with Path(path).open("rb") as file:
            return file.read(_MOST_BYTES)
    except OSError as error:
        raise ValueError(f"{os.fspath(path)} cannot be read: {error.strerror}; name a PEM file") from error


def _no_password() -> str:
    raise ValueError("the key for TLS is encrypted; give one that is not")
