"""`triptych release pull`."""

from pathlib import Path

import click

from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import print_json
from triptych_ops.cli.store_option import store_option
from triptych_ops.cli.trust_options import Acceptance, acceptance_options, trust_options
from triptych_ops.errors import RefusedError
from triptych_ops.release import Store, pull
from triptych_ops.release.signing import Trust

from .soundness import require_sound
from .transfer import transfer


@click.command("pull")
@click.argument("ref")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--manifest-sha256",
    "expected",
    metavar="HEX",
    help="Refuse a release whose manifest has another digest; `release show --json` says it.",
)
@store_option
@trust_options
@acceptance_options
@json_option
def pull_release(
    ref: str,
    folder: Path,
    expected: str | None,
    store: Store,
    trust: Trust | None,
    acceptance: Acceptance,
    as_json: bool,
) -> None:
    """Copy release REF, a number, an alias or `newest`, into DIR: release.json, repository/, maybe release.sig.

    Everything is checked before anything is visible: digests, the repository, the signature asked for. DIR is new,
    or empty, or holds this release already. Where a signature is asked for, an alias must be signed as well, and not
    be older than the one that was accepted last.
    """
    release = acceptance.release(store, ref, trust)
    if expected is not None and release.manifest_sha256 != expected:
        raise RefusedError(
            f"the manifest of release {release.number} has the digest {release.manifest_sha256}, not {expected}; "
            "it is another release of that number, or altered"
        )

    def check(copy: Path) -> None:
        require_sound(copy, release, trust=trust, called=str(folder) if copy == folder else None)

    with transfer(f"pulling release {release.number}", size_bytes=release.manifest.size_bytes) as progress:
        written = pull(release, folder, check=check, progress=progress)
    if as_json:
        document = {"release": release.number, "manifest_sha256": release.manifest_sha256, "folder": str(folder)}
        print_json({**document, "written": written})
    else:
        click.echo(f"release {release.number} is {'' if written else 'already '}in {folder}")
