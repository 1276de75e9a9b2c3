"""The options of commands that call a server through the SDK: its address, the time, headers and TLS."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from triptych import Client, Tls
from triptych_ops.errors import UsageError

from .failures import in_options
from .options import timeout_option, url_option

_FILE = click.Path(path_type=Path)


def _headers(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    pairs = [value.partition("=") for value in values]
    for value, (name, separator, _) in zip(values, pairs, strict=True):
        if not (name and separator):
            raise click.BadParameter(f"{value!r} is no header; write NAME=VALUE")
    return {name.strip().lower(): value for name, _, value in pairs}


header_option = click.option(
    "--header",
    "headers",
    multiple=True,
    callback=_headers,
    metavar="NAME=VALUE",
    envvar="TRIPTYCH_HEADER",
    help="Header of every request, such as x-api-key=KEY; may be repeated.  [TRIPTYCH_HEADER]",
)

_TLS_OPTIONS = (
    click.option("--tls-ca", type=_FILE, metavar="FILE", help="Certificate of the authority that signed the server's."),
    click.option("--tls-cert", type=_FILE, metavar="FILE", help="Certificate of this client, in PEM."),
    click.option("--tls-key", type=_FILE, metavar="FILE", help="Key of --tls-cert, without a password."),
)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """A server, and how it is called."""

    url: str
    timeout_s: float
    headers: Mapping[str, str]
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None

    def client(self) -> Client:
        """Make a client of the SDK.

        Raises:
            UsageError: the options do not fit together, or a file is not what it should be.
        """
        given = self.tls_ca or self.tls_cert or self.tls_key
        try:
            tls = Tls(ca=self.tls_ca, certificate=self.tls_cert, key=self.tls_key) if given else None
            return Client(self.url, timeout_s=self.timeout_s, headers=self.headers, tls=tls)
        except ValueError as error:
            raise UsageError(in_options(str(error))) from error


def client_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: the options, given to the command as one parameter `server: ServerOptions`."""

    @functools.wraps(command)
    def with_server(
        *args: Any,
        url: str,
        timeout_s: float,
        headers: Mapping[str, str],
        tls_ca: Path | None,
        tls_cert: Path | None,
        tls_key: Path | None,
        **kwargs: Any,
    ) -> Any:
        server = ServerOptions(url, timeout_s, headers, tls_ca, tls_cert, tls_key)
        return command(*args, server=server, **kwargs)

    options = (url_option, timeout_option, header_option, *_TLS_OPTIONS)
    return functools.reduce(lambda decorated, option: option(decorated), reversed(options), with_server)
