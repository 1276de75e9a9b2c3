"""`triptych release verify`."""

import click

from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import print_json
from triptych_ops.cli.store_option import store_option
from triptych_ops.cli.trust_options import Acceptance, acceptance_options, trust_options
from triptych_ops.release import Store
from triptych_ops.release.signing import Trust

from .soundness import require_sound
from .transfer import transfer


@click.command("verify")
@click.argument("ref", required=False)
@store_option
@trust_options
@acceptance_options
@json_option
def verify_release(ref: str | None, store: Store, trust: Trust | None, acceptance: Acceptance, as_json: bool) -> None:
    """Check release REF, or the newest: every digest, the repository, and the signature that is asked for.

    Where one is asked for and REF is an alias, the history of the alias is checked likewise.
    """
    release = acceptance.release(store, ref, trust)
    size_bytes = release.manifest.size_bytes
    with (
        transfer(f"verifying release {release.number}", size_bytes=size_bytes) as progress,
        store.local_copy(release, progress=progress) as folder,
    ):
        require_sound(folder, release, trust=trust)
    files = len(release.manifest.files)
    if as_json:
        print_json(
            {
                "release": release.number,
                "location": release.location,
                "manifest_sha256": release.manifest_sha256,
                "files": files,
                "size_bytes": size_bytes,
                "signature": "trusted" if trust else "not asked for",
            }
        )
        return
    signed = "signed as asked for" if trust else "signature not asked for"
    click.echo(f"release {release.number} is sound: {files} files, {size_bytes / 1e6:.1f} MB, {signed}")
