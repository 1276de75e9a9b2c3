"""Options of every command that sends load: whom to ask, what to send, by how many processes."""

import functools
from collections.abc import Callable
from typing import Any

import click

from loadtests.errors import PicturesError
from loadtests.pictures import MIXES, MixDescription, kind_from_text
from loadtests.users.target import Target
from triptych import image_formats
from triptych_ops.cli.client_options import header_option
from triptych_ops.cli.options import timeout_option, url_option


def _renamed(_context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        raise click.UsageError(
            "--bad (setting `bad`) is now --invalid (`invalid`): the share of invalid images to send"
        )


_OPTIONS = (
    url_option,
    click.option("--rest", is_flag=True, help="The server is a gateway: `POST /classify`, JSON."),
    timeout_option,
    header_option,
    click.option(
        "--pictures",
        default="typical",
        show_default=True,
        metavar="MIX|FOLDER",
        help=f"What to send: {', '.join(MIXES)}, or a folder with {image_formats.ALL} files.",
    ),
    click.option(
        "--picture",
        "kinds",
        multiple=True,
        metavar="FORMAT:WIDTHxHEIGHT=WEIGHT",
        help="A mix of your own instead: once for each kind, as jpeg:500x375=3.",
    ),
    click.option(
        "--invalid",
        "invalid_share",
        type=click.FloatRange(0, 1),
        default=0.0,
        help="Share of requests with invalid images, which the server has to refuse.  [default: none]",
    ),
    click.option("--bad", hidden=True, expose_value=False, callback=_renamed),
    click.option(
        "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of arrivals and of the pictures' order."
    ),
    click.option(
        "--processes",
        type=click.IntRange(1, 64),
        default=1,
        show_default=True,
        help="Generator processes; one sends some hundreds of requests a second.",
    ),
)


def sending_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: these options, given to the command as `target`, `mix`, `seed` and `processes`."""

    @functools.wraps(command)
    def with_sending(
        *args: Any,
        url: str,
        rest: bool,
        timeout_s: float,
        headers: dict[str, str],
        pictures: str,
        kinds: tuple[str, ...],
        invalid_share: float,
        **kwargs: Any,
    ) -> Any:
        target = Target.at([url], rest=rest, timeout_s=timeout_s, headers=headers)
        mix = _mix(pictures, kinds, invalid_share)
        return command(*args, target=target, mix=mix, **kwargs)

    for option in reversed(_OPTIONS):
        with_sending = option(with_sending)
    return with_sending


def _mix(pictures: str, kinds: tuple[str, ...], invalid_share: float) -> MixDescription:
    """What to send.

    Raises:
        PicturesError: it makes no sense.
    """
    if kinds and pictures != "typical":
        raise PicturesError("--picture makes a mix of its own; leave out --pictures")
    if kinds:
        return MixDescription(kinds=tuple(map(kind_from_text, kinds)), invalid_share=invalid_share)
    return MixDescription.named(pictures, invalid_share=invalid_share)
