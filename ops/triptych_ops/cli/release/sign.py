"""`triptych release sign`."""

import click

from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import print_json
from triptych_ops.cli.store_option import store_option
from triptych_ops.release import Store
from triptych_ops.release.signing import NEW_KEY_PAIR, SIGNATURE, Signer, sign

from .signing_options import signing_options


@click.command("sign", epilog="\b\nA new pair of keys:\n    " + NEW_KEY_PAIR.replace(" && ", "\n    "))
@click.argument("ref")
@store_option
@signing_options
@json_option
def sign_release(ref: str, store: Store, signer: Signer | None, as_json: bool) -> None:
    """Sign release REF, a number or an alias, in place of any signature that it has.

    Every file is compared with the manifest first. The signature covers all of them, and the manifest.
    """
    if signer is None:
        raise click.UsageError("name who signs: --key PRIVATE.pem, --key with --certificate, or --sigstore")
    release = store.release(ref)
    with store.local_copy(release) as folder:
        bundle = sign(folder, signer, document=release.document)
    store.attach_signature(release, bundle)
    if as_json:
        print_json({"release": release.number, "signature": f"{release.location}/{SIGNATURE}"})
    else:
        click.echo(f"release {release.number} signed: {release.location}/{SIGNATURE}")
