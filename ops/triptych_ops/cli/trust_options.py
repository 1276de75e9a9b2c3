"""The options that say whose signature a release must carry, and how old an alias may be."""

import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from triptych_ops.errors import RefusedError
from triptych_ops.release import Head, Release, Store
from triptych_ops.release.alias_trust import AliasMemory, AliasTrust
from triptych_ops.release.signing import CertificateTrust, KeyTrust, SigstoreTrust, Trust

from .failures import line
from .output import say

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


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Which release a reference may mean: the options of `acceptance_options`."""

    minimum: int | None
    minimum_sequence: int | None
    state: Path | None

    def release(self, store: Store, ref: str | None, trust: Trust | None) -> Release:
        """The release that `ref` means. With `trust`, an alias must have a signed history that is not an older one.

        Raises:
            MissingError, UsageError, RefusedError: as `Store.release`.
            RefusedError: the history of the alias is not accepted, or the release is below the minimum.
        """
        if self.minimum_sequence is not None and trust is None:
            raise click.UsageError(
                "--minimum-sequence is of signed aliases; name whose signature is required, as with --key"
            )
        release = store.release(ref, accept=self._accept(trust) if trust else None)
        if self.minimum is not None and release.number < self.minimum and not (ref and ref.isdigit()):
            named = ref or "the newest"
            raise RefusedError(
                f"{named} means release {release.number}, older than the least that is accepted, {self.minimum}"
            )
        return release

    def _accept(self, trust: Trust) -> Callable[[Head], None]:
        accepted = AliasTrust(trust, self.minimum_sequence or 1)
        memory = AliasMemory(self.state or state_file())
        told = False

        def accept(head: Head) -> None:
            nonlocal told
            accepted.require(head)
            try:
                memory.accept(head, signer=trust.fingerprint)
            except OSError as error:
                # A container need not have a place for it. A file that is there is never passed over.
                if self.state or memory.file.exists():
                    raise
                if self.minimum_sequence is None and not told:
                    told = True
                    say(
                        f"triptych: which entry of the alias {head.alias} was accepted is not remembered: "
                        f"{line(error)}; name a file with --state, or give --minimum-sequence"
                    )

        return accept


def state_file() -> Path:
    """Where it is remembered which entries of aliases were accepted, unless --state names another file."""
    base = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(base) if base.startswith("/") else Path("~/.local/state").expanduser()
    return folder / "triptych" / "aliases.json"


state_option = click.option(
    "--state",
    type=_FILE,
    metavar="FILE",
    envvar="TRIPTYCH_STATE",
    help="Remembers which signed entries of aliases were accepted.  "
    "[TRIPTYCH_STATE, else triptych/aliases.json in XDG_STATE_HOME]",
)
_ACCEPTANCE = (
    click.option(
        "--minimum", type=click.IntRange(min=1), help="Refuse an alias that means an older release than this."
    ),
    click.option(
        "--minimum-sequence",
        type=click.IntRange(min=1),
        help="Refuse a signed alias whose newest entry has a lower number; `release tag` shows the present one.",
    ),
    state_option,
)


def acceptance_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: the options of an alias' age, given to the command as one parameter `acceptance: Acceptance`."""

    @functools.wraps(command)
    def with_acceptance(
        *args: Any, minimum: int | None, minimum_sequence: int | None, state: Path | None, **kwargs: Any
    ) -> Any:
        return command(*args, acceptance=Acceptance(minimum, minimum_sequence, state), **kwargs)

    return functools.reduce(lambda decorated, option: option(decorated), reversed(_ACCEPTANCE), with_acceptance)


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
