"""`triptych release`: what the store holds, and how it gets there and away."""

import click

from .diff import diff_releases
from .listing import list_releases
from .prune import prune_releases
from .publish import publish_release
from .pull import pull_release
from .show import show_release
from .sign import sign_release
from .tag import tag_release
from .verify import verify_release


@click.group()
def release() -> None:
    """List, check, compare, sign and move releases."""


_COMMANDS = (
    list_releases,
    show_release,
    verify_release,
    diff_releases,
    tag_release,
    sign_release,
    publish_release,
    pull_release,
    prune_releases,
)
for _command in _COMMANDS:
    release.add_command(_command)
