"""`triptych release prune`."""

import click

from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import print_json
from triptych_ops.cli.store_option import store_option
from triptych_ops.release import Store


@click.command("prune")
@click.option("--keep", type=click.IntRange(min=1), help="How many of the newest releases stay.")
@click.option("--unfinished", is_flag=True, help="Remove what killed publishers left of releases that never appeared.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
@store_option
@json_option
def prune_releases(keep: int | None, unfinished: bool, dry_run: bool, store: Store, as_json: bool) -> None:
    """Remove old releases. Those that have an alias always stay, and numbers are never given again."""
    if keep is None and not unfinished:
        raise click.UsageError("give --keep, or --unfinished, or both")
    left_over = store.prune_unfinished(dry_run=dry_run) if unfinished else []
    removed = store.prune(keep=keep, dry_run=dry_run) if keep is not None else []
    if as_json:
        print_json({"removed": removed, "unfinished": left_over, "dry_run": dry_run})
        return
    verb = "would remove" if dry_run else "removed"
    for number in removed:
        click.echo(f"{verb} release {number}")
    for number in left_over:
        click.echo(f"{verb} what was left of release {number}, which never appeared")
    if not removed and not left_over:
        click.echo("there is nothing to remove")
