"""Environment variables that look like settings and are none: click and the SDK read known names alone.

In `triptych.toml` an unknown name is refused. Here it is only reported, since an environment is shared with others:
Kubernetes itself sets `TRIPTYCH_PORT=tcp://…` beside a Service of that name.
"""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

import click

from triptych.environment import VARIABLES

_PREFIX = "TRIPTYCH_"
_ALIKE = 0.8  # by difflib's ratio: TIMOUT and TIMEOUT have 0.92, KEY and KEEPALIVE 0.33
_OF_KUBERNETES = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT_\d+_(TCP|UDP|SCTP)(_.*)?)")
_ADDRESS = re.compile(r"(tcp|udp|sctp)://.*")


def misspelt(environ: Mapping[str, str], command: click.Command, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield each variable that no setting of the command has, but nearly, and the name that is meant.

    `prefix` is the command's own, as `TRIPTYCH_SERVE`. What Kubernetes sets for Services, empty variables and those of
    other commands are passed over.
    """
    known = {*VARIABLES, *_variables(command, prefix)}
    for name, value in sorted(environ.items()):
        if not name.startswith(_PREFIX) or name in known or not value.strip():
            continue
        if _OF_KUBERNETES.fullmatch(name) or _ADDRESS.fullmatch(value):
            continue
        near = get_close_matches(name.removeprefix(_PREFIX), [each.removeprefix(_PREFIX) for each in known], 1, _ALIKE)
        if near:
            yield name, _PREFIX + near[0]


def _variables(command: click.Command, prefix: str) -> Iterator[str]:
    """Yield the names that click reads for the command's options."""
    for option in command.params:
        if not isinstance(option, click.Option):
            continue
        explicit = option.envvar or ()
        yield from (explicit,) if isinstance(explicit, str) else explicit
        if option.allow_from_autoenv and option.name:
            yield f"{prefix}_{option.name.upper()}"
