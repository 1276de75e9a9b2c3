"""`triptych gateway`: REST in front of servers, for those without the SDK."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import click

from triptych_ops.errors import UsageError
from triptych_ops.gateway import Limits, Settings, run

from .options import json_option, seconds, timeout_option
from .output import print_json, say

_LIMITS = Limits()
_DEFAULT_URL = "http://localhost:8000"  # Triton's own port; gRPC takes half as much again of this process's time
_MIB = 1024 * 1024


_COUNT, _SECONDS = click.IntRange(1), click.FLOAT
_LIMIT_OPTIONS: Mapping[str, tuple[str, str, click.ParamType[Any], int, str]] = {
    "max-timeout": (
        "longest_timeout_s",
        "longest_timeout_s",
        _SECONDS,
        1,
        "The most seconds that a caller may ask for.",
    ),
    "max-images": (
        "max_images",
        "concurrent_images",
        _COUNT,
        1,
        "Images in the servers' hands at once; who brings more is told to come later.",
    ),
    "max-body": ("body_mib", "body_bytes", _COUNT, _MIB, "A request's bytes, in MiB; 20 of one image."),
    "max-memory": ("held_mib", "held_bytes", _COUNT, _MIB, "Bodies held at once, in MiB."),
    "max-connections": ("max_connections", "connections", _COUNT, 1, "Open at once."),
    "body-timeout": ("body_timeout_s", "body_timeout_s", _SECONDS, 1, "Seconds that a body may take to arrive."),
    "stop-timeout": (
        "stop_timeout_s",
        "stop_timeout_s",
        _SECONDS,
        1,
        "Seconds that what is under way may take after SIGTERM.",
    ),
}
"""Name -> parameter, field of `Limits`, type, what one of it is in the field's unit, help."""


def _limit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: these options and `timeout_s`, given to the command as one parameter `limits: Limits`."""

    @functools.wraps(command)
    def with_limits(*args: Any, timeout_s: float, **kwargs: Any) -> Any:
        given = {field: kwargs.pop(name) * unit for name, field, _, unit, _ in _LIMIT_OPTIONS.values()}
        given["longest_timeout_s"] = max(timeout_s, given["longest_timeout_s"])
        image_bytes = min(_LIMITS.image_bytes, given["body_bytes"])
        return command(*args, limits=Limits(timeout_s=timeout_s, image_bytes=image_bytes, **given), **kwargs)

    for option in reversed(list(_LIMIT_OPTIONS)):
        name, field, kind, unit, text = _LIMIT_OPTIONS[option]
        with_limits = click.option(
            f"--{option}",
            name,
            type=kind,
            callback=seconds if kind is _SECONDS else None,
            default=getattr(_LIMITS, field) // unit if unit > 1 else getattr(_LIMITS, field),
            show_default=True,
            help=text,
        )(with_limits)
    return with_limits


class _Urls(click.Option):
    """One text, as the settings file has it, is one value."""

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        """As click's own."""
        return super().type_cast_value(ctx, (value,) if isinstance(value, str) else value)


def _split(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Of each value what lies between its commas."""
    return tuple(url.strip() for value in values for url in value.split(",") if url.strip())


def _origins(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if value != "*" and (not value.startswith(("http://", "https://")) or value.count("/") != 2):
            raise click.BadParameter(
                f"{value!r} is no origin; write https://HOST, or https://HOST:PORT, without a path"
            )
    return values


@click.command()
@click.option(
    "--url",
    "urls",
    cls=_Urls,
    multiple=True,
    callback=_split,
    default=(_DEFAULT_URL,),
    show_default=True,
    envvar="TRIPTYCH_URL",
    help="Server: grpc://HOST:PORT or http://HOST:PORT; again for each further one.  [TRIPTYCH_URL]",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen: an address or a name.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    envvar="TRIPTYCH_GATEWAY_HTTP_PORT",
    allow_from_autoenv=False,  # Kubernetes sets TRIPTYCH_GATEWAY_PORT=tcp://… beside a Service of that name
    help="0: any that is free.  [TRIPTYCH_GATEWAY_HTTP_PORT]",
)
@timeout_option
@_limit_options
@click.option(
    "--allow-origin",
    "allow_origins",
    multiple=True,
    callback=_origins,
    metavar="ORIGIN",
    help="Another site whose pages may ask, as https://shop.example; * for all.  [default: none]",
)
@json_option
def gateway(
    urls: tuple[str, ...],
    host: str,
    port: int,
    limits: Limits,
    allow_origins: tuple[str, ...],
    as_json: bool,
) -> None:
    """Answer plain HTTP in JSON, by asking servers, until Ctrl-C or SIGTERM.

    `POST /classify` and `POST /embed` take an image, or a form with several. The page at `/` is for people, `/docs` and
    `/openapi.json` tell the interface, `/healthz` is a real classification, `/metrics` is for Prometheus.

    It listens on loopback and in plain. For others than this machine's own put TLS and keys in front of it.
    """
    if not urls:
        raise UsageError("--url is empty; name a server, as grpc://HOST:PORT")
    settings = Settings(urls=urls, host=host, port=port, allow_origins=allow_origins, limits=limits)
    if not settings.on_loopback:
        say(f"{host} is more than this machine: everybody who reaches it may ask, in plain; put TLS and keys in front")

    def started(url: str) -> None:
        if as_json:
            print_json({"url": url, "servers": list(urls)})
        else:
            click.echo(f"listening on {url} for {', '.join(urls)}")

    run(settings, started=started, report=say)
    say("stopped")
