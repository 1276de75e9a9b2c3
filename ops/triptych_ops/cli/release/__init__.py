"""`triptych release`: what the store holds, and how it gets there and away."""

import click

from triptych_ops.cli.group import Commands, Entry

_ENTRIES = {
    "list": Entry(".release.listing:list_releases", "List the store's releases."),
    "show": Entry(".release.show:show_release", "Show a release, or its model card."),
    "verify": Entry(".release.verify:verify_release", "Check a release: digests, repository, signature."),
    "diff": Entry(".release.diff:diff_releases", "Show what differs between two releases."),
    "tag": Entry(".release.tag:tag_release", "List and change aliases."),
    "sign": Entry(".release.sign:sign_release", "Sign a release."),
    "publish": Entry(".release.publish:publish_release", "Publish a release in another store."),
    "pull": Entry(".release.pull:pull_release", "Copy a release into a folder."),
    "prune": Entry(".release.prune:prune_releases", "Remove old releases."),
}


@click.group(cls=Commands, entries=_ENTRIES)
def release() -> None:
    """List, check, compare, sign and move releases."""
