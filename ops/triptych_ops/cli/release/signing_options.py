"""The options that say who signs."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from triptych_ops.cli.trust_options import require_signing
from triptych_ops.errors import MissingError, UsageError
from triptych_ops.release.signing import CertificateSigner, KeySigner, Signer, SigstoreSigner

_FILE = click.Path(path_type=Path)
_PASSWORD = "TRIPTYCH_KEY_PASSWORD"  # noqa: S105  the variable's name
_IDENTITY_TOKEN = "TRIPTYCH_IDENTITY_TOKEN"  # noqa: S105
_OPTIONS = (
    click.option("--key", "private_key", type=_FILE, metavar="PRIVATE.pem", help="Sign with this private key."),
    click.option(
        "--key-password-file",
        type=_FILE,
        metavar="FILE",
        help=f"Password of an encrypted key, on the first line; or in {_PASSWORD}.",
    ),
    click.option(
        "--certificate", type=_FILE, metavar="CERT.pem", help="Sign as the owner of this certificate of --key."
    ),
    click.option(
        "--certificate-chain", type=_FILE, metavar="CHAIN.pem", help="Certificates between it and its authority."
    ),
    click.option(
        "--sigstore",
        is_flag=True,
        help=f"Sign as an identity: of the machine, as in CI, of the token in {_IDENTITY_TOKEN}, or from the browser.",
    ),
)


def signing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: the options, given to the command as one parameter `signer: Signer | None`, None where none is set."""

    @functools.wraps(command)
    def with_signer(
        *args: Any,
        private_key: Path | None,
        key_password_file: Path | None,
        certificate: Path | None,
        certificate_chain: Path | None,
        sigstore: bool,
        **kwargs: Any,
    ) -> Any:
        named = private_key or key_password_file or certificate or certificate_chain or sigstore
        signer = (
            _signer(private_key, key_password_file, certificate, certificate_chain, sigstore=sigstore)
            if named
            else None
        )
        return command(*args, signer=signer, **kwargs)

    return functools.reduce(lambda decorated, option: option(decorated), reversed(_OPTIONS), with_signer)


def _signer(
    private_key: Path | None,
    password_file: Path | None,
    certificate: Path | None,
    chain: Path | None,
    *,
    sigstore: bool,
) -> Signer:
    require_signing()
    if sigstore:
        if private_key or password_file or certificate or chain:
            raise click.UsageError("--sigstore signs without a key or certificate of yours; leave those out")
        return SigstoreSigner(os.environ.get(_IDENTITY_TOKEN))
    if not private_key:
        raise click.UsageError("name who signs: --key PRIVATE.pem, --key with --certificate, or --sigstore")
    if certificate:
        return CertificateSigner(private_key, certificate, chain)
    if chain:
        raise click.UsageError("--certificate-chain goes with --certificate; give both")
    return KeySigner(private_key, _password(password_file))


def _password(file: Path | None) -> bytes | None:
    if file is None:
        password = os.environb.get(_PASSWORD.encode())
    elif not file.exists():
        raise MissingError(f"there is no password file {file}; name one, or set {_PASSWORD}")
    elif file.is_dir():
        raise UsageError(f"{file} is a folder; name a file with the password on its first line")
    else:
        password = file.read_bytes().partition(b"\n")[0].removesuffix(b"\r")
    return password or None
