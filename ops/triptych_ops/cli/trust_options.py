"""The options that say whose signature a release must carry."""

import functools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from triptych_ops.release.signing import CertificateTrust, KeyTrust, SigstoreTrust, Trust

_FILE = click.Path(path_type=Path)
_OPTIONS = (
    click.option(
        "--key",
        "trusted_key",
        type=_FILE,
        metavar="PUBLIC.pem",
        envvar="TRIPTYCH_KEY",
        help="Require a signature by this key.  [TRIPTYCH_KEY]",
    ),
    click.option(
        "--certificate-chain",
        "trusted_authorities",
        type=_FILE,
        metavar="CA.pem",
        envvar="TRIPTYCH_CERTIFICATE_CHAIN",
        help="Require a signature by a certificate of these authorities.  [TRIPTYCH_CERTIFICATE_CHAIN]",
    ),
    click.option(
        "--identity",
        "trusted_identity",
        metavar="EMAIL|URI",
        envvar="TRIPTYCH_IDENTITY",
        help="Require a signature by this Sigstore identity.  [TRIPTYCH_IDENTITY]",
    ),
    click.option(
        "--identity-provider",
        "trusted_provider",
        metavar="URL",
        envvar="TRIPTYCH_IDENTITY_PROVIDER",
        help="Who vouches for --identity.  [TRIPTYCH_IDENTITY_PROVIDER]",
    ),
)


def trust_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: the options, given to the command as one parameter `trust: Trust | None`.

    None where nobody asked for a signature. More than one kind of signer is a usage error.
    """

    @functools.wraps(command)
    def with_trust(
        *args: Any,
        trusted_key: Path | None,
        trusted_authorities: Path | None,
        trusted_identity: str | None,
        trusted_provider: str | None,
        **kwargs: Any,
    ) -> Any:
        _refuse_empty(os.environ)
        trust = _trust(trusted_key, trusted_authorities, trusted_identity, trusted_provider)
        return command(*args, trust=trust, **kwargs)

    return functools.reduce(lambda decorated, option: option(decorated), reversed(_OPTIONS), with_trust)


def _refuse_empty(environ: Mapping[str, str]) -> None:
    """A variable that is set and empty is a secret that was not there: nobody meant to trust everybody.

    Raises:
        UsageError: one is.
    """
    for variable in ("TRIPTYCH_KEY", "TRIPTYCH_CERTIFICATE_CHAIN", "TRIPTYCH_IDENTITY", "TRIPTYCH_IDENTITY_PROVIDER"):
        if variable in environ and not environ[variable].strip():
            raise click.UsageError(f"{variable} is empty, so no signature would be required; set it, or unset it")


def _trust(key: Path | None, authorities: Path | None, identity: str | None, provider: str | None) -> Trust | None:
    sigstore = None if identity is None and provider is None else (identity, provider)
    given = {"--key": key, "--certificate-chain": authorities, "--identity": sigstore}
    named = [option for option, value in given.items() if value is not None]
    if not named:
        return None
    if len(named) > 1:
        raise click.UsageError(
            f"{' and '.join(named)} exclude each other, as flags or as TRIPTYCH_ variables; give one"
        )
    require_signing()
    if key is not None:
        return KeyTrust(key)
    if authorities is not None:
        return CertificateTrust(authorities)
    if identity is None or provider is None:
        raise click.UsageError("--identity and --identity-provider belong together; give both")
    return SigstoreTrust(identity, provider)


def require_signing() -> None:
    """Import what signs and verifies, before anything long begins.

    Raises:
        ModuleNotFoundError: it is not installed; the group of commands says which extra has it.
    """
    import model_signing  # noqa: F401
