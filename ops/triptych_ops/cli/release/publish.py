"""`triptych release publish`."""

import click

from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import print_json
from triptych_ops.cli.store_option import open_store, store_option
from triptych_ops.release import Store

from .transfer import transfer


@click.command("publish")
@click.argument("ref")
@click.option("--to", "location", required=True, metavar="PATH|s3://BUCKET/PREFIX", help="The store that gets it.")
@store_option
@json_option
def publish_release(ref: str, location: str, store: Store, as_json: bool) -> None:
    """Publish release REF, a number or an alias, in another store, under its number.

    Every file is compared with the manifest while it is copied. Again with the same release nothing is written.
    """
    target = open_store(location)
    release = store.release(ref)
    size_bytes = release.manifest.size_bytes
    with transfer(f"publishing release {release.number}", size_bytes=size_bytes) as progress:
        written = target.add(release, progress=progress)
    published = target.release(release.number)
    if as_json:
        print_json({"release": release.number, "location": published.location, "written": written})
    else:
        click.echo(f"release {release.number} {'is' if written else 'was already'} published at {published.location}")
