"""Misspelt variables are named, and nothing else in an environment is."""

import os

import click
import pytest

from triptych.environment import VARIABLES, endpoints, options, resilience
from triptych.settings import NOT_GIVEN
from triptych_ops.cli.misspelt import misspelt

from .conftest import Command


@click.command()
@click.option("--http-port", type=int)
@click.option("--store", envvar="TRIPTYCH_STORE")
@click.option("--port", envvar="TRIPTYCH_SERVE_PROBE_PORT", allow_from_autoenv=False)
def serve() -> None: ...


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("TRIPTYCH_TIMOUT", "1", "TRIPTYCH_TIMEOUT"),
        ("TRIPTYCH_URLS", "grpc://x", "TRIPTYCH_URL"),
        ("TRIPTYCH_SERVE_HTTPPORT", "9", "TRIPTYCH_SERVE_HTTP_PORT"),
        ("TRIPTYCH_SERVE_STORES", "/x", "TRIPTYCH_SERVE_STORE"),
        ("TRIPTYCH_SERVE_CAPACITY", "9", None),  # near to none
        ("TRIPTYCH_STORES", "/x", "TRIPTYCH_STORE"),
        ("TRIPTYCH_TIMEOUT", "1", None),
        ("TRIPTYCH_SERVE_HTTP_PORT", "9", None),
        ("TRIPTYCH_SERVE_STORE", "/x", None),  # click reads it, too
        ("TRIPTYCH_TIMOUT", " ", None),
        ("TRIPTYCH_CONFIG", "x.toml", None),
        ("TRIPTYCH_IDENTITY_TOKEN", "x", None),
        ("TRIPTYCH_TEST_STORE", "/x", None),
        ("TRITYCH_URL", "x", None),  # anybody's
        # As Kubernetes sets them for Services called triptych-serve-http and triptych.
        ("TRIPTYCH_SERVE_HTTP_PORT_80_TCP", "tcp://10.0.0.1:80", None),
        ("TRIPTYCH_SERVE_HTTP_PORT_80_TCP_PORT", "80", None),
        ("TRIPTYCH_SERVE_HTTPS_PORT", "tcp://10.0.0.1:80", None),
        ("TRIPTYCH_SERVE_HTTP_SERVICE_PORT", "80", None),
        ("TRIPTYCH_SERVICE_HOST", "10.0.0.1", None),
    ],
)
def test_what_is_nearly_a_setting_is_named(name: str, value: str, meant: str | None) -> None:
    assert list(misspelt({name: value}, serve, "TRIPTYCH_SERVE")) == ([(name, meant)] if meant else [])


def test_a_command_says_so_and_goes_on(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIPTYCH_STOER", "/nowhere")
    monkeypatch.setenv("TRIPTYCH_SERVE_HTTPPORT", "1")  # of another command, which says so itself
    listed = command("release", "list", "--json")
    assert listed.document["releases"] == []
    assert listed.stderr.splitlines() == [
        "TRIPTYCH_STOER in the environment is no setting and is ignored; did you mean TRIPTYCH_STORE?"
    ]
    assert command("release", "list", "--help").stderr == ""


def test_the_sdk_names_each_variable_that_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    class Read(dict[str, str]):
        names: set[str] = set()  # noqa: RUF012  of this test alone

        def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
            self.names.add(name)
            return default

    monkeypatch.setattr(os, "environ", Read())
    endpoints(NOT_GIVEN)
    options(timeout_s=NOT_GIVEN, top_k=NOT_GIVEN, shrink=NOT_GIVEN, fetch_urls=NOT_GIVEN)
    resilience(NOT_GIVEN)
    assert set(VARIABLES) == Read.names
