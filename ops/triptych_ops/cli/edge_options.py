"""The options of an Envoy in front of Triton: of `triptych serve --edge`, and of `triptych edge`."""

import functools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from triptych_ops.runtime.edge import EdgeSettings, Limits, TlsFiles, read_api_keys

_MIB = 1024 * 1024
_PORT = click.IntRange(1, 65535)
_FILE = click.Path(path_type=Path)
_SETTINGS, _LIMITS = EdgeSettings(), Limits()

_OPTIONS: Mapping[str, tuple[click.ParamType[Any], str | None, str, object]] = {
    "edge-address": (click.STRING, "IP", "Where the edge listens.", _SETTINGS.address),
    "edge-http-port": (_PORT, None, "The edge's HTTP.", _SETTINGS.http_port),
    "edge-grpc-port": (_PORT, None, "The edge's gRPC.", _SETTINGS.grpc_port),
    "edge-metrics-port": (_PORT, None, "The edge's metrics for Prometheus, in plain.", None),
    "tls-cert": (_FILE, "CERT.pem", "Serve TLS with this certificate and its chain.", None),
    "tls-key": (_FILE, "KEY.pem", "The certificate's key.", None),
    "client-ca": (_FILE, "CA.pem", "Let in clients with a certificate of these authorities, no others.", None),
    "api-keys": (_FILE, "FILE", "Let in clients with a key of this file, a line `client: key` each.", None),
    "max-body": (click.IntRange(1), "MIB", "A request's bytes, in MiB.", _LIMITS.max_body_bytes // _MIB),
    "max-concurrent": (
        click.IntRange(1),
        "N",
        "Requests under way; one more is told to retry.",
        _LIMITS.max_concurrent,
    ),
    "max-connections": (click.IntRange(1), "N", "Open connections.", _LIMITS.max_connections),
    "edge-memory": (click.IntRange(1), "MIB", "What the edge may hold, in MiB.", _LIMITS.memory_bytes // _MIB),
    "request-timeout": (click.FLOAT, "SECONDS", "From a request's first byte to its last.", _LIMITS.request_timeout_s),
    "answer-timeout": (click.FLOAT, "SECONDS", "From a request's last byte to its answer.", _LIMITS.answer_timeout_s),
    "connection-age": (click.FLOAT, "SECONDS", "A connection's life.", _LIMITS.connection_age_s),
}
"""Name -> type, how a value is shown, help, default."""

_SECRETS = ("tls-cert", "tls-key", "client-ca", "api-keys")


def edge_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: the options, given to the command as one parameter `edge: EdgeSettings | None`.

    None without --edge. What the edge cannot be is an error here, before anything starts; so is any of these
    options without --edge, and a variable of a secret that is set and empty: nobody meant to serve in the open.
    """

    @functools.wraps(command)
    def with_edge(*args: Any, edge: bool, **kwargs: Any) -> Any:
        given = _taken(kwargs)
        if given and not edge:
            raise click.UsageError(f"--{next(iter(given))} is for the edge; add --edge")
        return command(*args, edge=_settings(given) if edge else None, **kwargs)

    switch: Callable[..., Any] = click.option(
        "--edge/--no-edge",
        default=False,
        envvar=_variable("edge"),
        help=f"Put Envoy in front: only inference is reachable, within limits.  [{_variable('edge')}]",
    )
    for name in reversed(list(_OPTIONS)):
        with_edge = _option(name)(with_edge)
    decorated: Callable[..., Any] = switch(with_edge)
    return decorated


def edge_settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: the same for a command that is an edge and nothing else, as its parameter `edge: EdgeSettings`."""

    @functools.wraps(command)
    def with_settings(*args: Any, **kwargs: Any) -> Any:
        return command(*args, edge=_settings(_taken(kwargs)), **kwargs)

    for name in reversed(list(_OPTIONS)):
        with_settings = _option(name)(with_settings)
    return with_settings


def _taken(kwargs: dict[str, Any]) -> Mapping[str, Any]:
    """What was given of the options, taken out of a command's parameters."""
    given = {name: kwargs.pop(_field(name)) for name in _OPTIONS}
    _refuse_empty(os.environ)
    return {name: value for name, value in given.items() if value is not None}


def _option(name: str) -> Callable[..., Any]:
    kind, metavar, text, default = _OPTIONS[name]
    note = _variable(name) if default is None else f"{default}; {_variable(name)}"
    return click.option(f"--{name}", type=kind, metavar=metavar, envvar=_variable(name), help=f"{text}  [{note}]")


def _settings(given: Mapping[str, Any]) -> EdgeSettings:
    limits = {
        "max_body_bytes": ("max-body", _MIB),
        "max_concurrent": ("max-concurrent", 1),
        "max_connections": ("max-connections", 1),
        "memory_bytes": ("edge-memory", _MIB),
        "request_timeout_s": ("request-timeout", 1),
        "answer_timeout_s": ("answer-timeout", 1),
        "connection_age_s": ("connection-age", 1),
    }
    fields = {
        "address": "edge-address",
        "http_port": "edge-http-port",
        "grpc_port": "edge-grpc-port",
        "metrics_port": "edge-metrics-port",
    }
    return EdgeSettings(
        **{field: given[name] for field, name in fields.items() if name in given},
        tls=_tls(given),
        api_keys=read_api_keys(given["api-keys"]) if "api-keys" in given else (),
        limits=Limits(**{field: given[name] * unit for field, (name, unit) in limits.items() if name in given}),
    )


def _tls(given: Mapping[str, Any]) -> TlsFiles | None:
    certificate, key, authorities = (given.get(name) for name in ("tls-cert", "tls-key", "client-ca"))
    if certificate and key:
        return TlsFiles(certificate, key, authorities)
    if certificate or key:
        raise click.UsageError("--tls-cert and --tls-key belong together; give both")
    if authorities:
        raise click.UsageError("--client-ca needs TLS; give --tls-cert and --tls-key, too")
    return None


def _refuse_empty(environ: Mapping[str, str]) -> None:
    for variable in map(_variable, _SECRETS):
        if variable in environ and not environ[variable].strip():
            raise click.UsageError(f"{variable} is empty, so everybody would be let in; set it, or unset it")


def _variable(name: str) -> str:
    return f"TRIPTYCH_SERVE_{_field(name).upper()}"


def _field(name: str) -> str:
    return name.replace("-", "_")
