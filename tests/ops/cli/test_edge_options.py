"""What `--edge` and its options make of themselves, before anything starts."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from certificates import Authority
from triptych_ops.cli.edge_options import edge_options
from triptych_ops.errors import MissingError, UsageError
from triptych_ops.runtime.edge import ApiKey, EdgeSettings, Limits, TlsFiles

MIB = 1024 * 1024


def made(*arguments: object, **variables: str) -> tuple[EdgeSettings | None, Result]:
    """What a command with these options gets."""
    got: list[EdgeSettings | None] = []

    @click.command()
    @edge_options
    def command(edge: EdgeSettings | None) -> None:
        got.append(edge)

    result = CliRunner().invoke(command, [str(argument) for argument in arguments], env=variables)
    return (got[0] if got else None), result


def test_there_is_no_edge_unless_asked_for() -> None:
    assert made()[0] is None
    assert made("--no-edge", TRIPTYCH_SERVE_EDGE="1")[0] is None
    assert made("--edge")[0] == EdgeSettings()
    assert made(TRIPTYCH_SERVE_EDGE="true")[0] == EdgeSettings()


def test_every_option_has_its_place() -> None:
    options = {
        "edge-address": "0.0.0.0",  # noqa: S104
        "edge-http-port": 1,
        "edge-grpc-port": 2,
        "max-body": 32,
        "max-concurrent": 5,
        "max-connections": 6,
        "edge-memory": 700,
        "request-timeout": 1.5,
        "answer-timeout": 2,
    }
    arguments = [argument for name, value in options.items() for argument in (f"--{name}", value)]
    limits = Limits(32 * MIB, 5, 6, 700 * MIB, 1.5, 2.0)
    assert made("--edge", *arguments)[0] == EdgeSettings("0.0.0.0", 1, 2, limits=limits)  # noqa: S104


def test_files_are_read(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    certificate, key = authority.issue("server")
    keys = tmp_path / "keys"
    keys.touch(mode=0o600)
    keys.write_text("shop: 0123456789abcdef\n")
    edge, _ = made(
        "--edge", "--tls-cert", certificate, "--tls-key", key, "--client-ca", authority.file, "--api-keys", keys
    )
    assert edge is not None
    assert edge.tls == TlsFiles(certificate, key, authority.file)
    assert edge.api_keys == (ApiKey("shop", "0123456789abcdef"),)
    edge, _ = made(TRIPTYCH_SERVE_EDGE="1", TRIPTYCH_SERVE_API_KEYS=str(keys), TRIPTYCH_SERVE_MAX_CONCURRENT="7")
    assert edge is not None
    assert (len(edge.api_keys), edge.limits.max_concurrent) == (1, 7)


@pytest.mark.parametrize(
    ("arguments", "variables", "words"),
    [
        (["--api-keys", "x"], {}, "--api-keys is for the edge; add --edge"),
        ([], {"TRIPTYCH_SERVE_TLS_CERT": "x"}, "--tls-cert is for the edge"),
        (["--edge"], {"TRIPTYCH_SERVE_API_KEYS": ""}, "TRIPTYCH_SERVE_API_KEYS is empty"),
        ([], {"TRIPTYCH_SERVE_CLIENT_CA": " "}, "TRIPTYCH_SERVE_CLIENT_CA is empty"),
        (["--edge", "--tls-cert", "x"], {}, "belong together"),
        (["--edge", "--tls-key", "x"], {}, "belong together"),
        (["--edge", "--client-ca", "x"], {}, "--client-ca needs TLS"),
        (["--edge", "--max-concurrent", "0"], {}, "0 is not in the range"),
        (["--edge", "--edge-http-port", "70000"], {}, "70000 is not in the range"),
    ],
)
def test_what_contradicts_itself_is_a_usage_error(arguments: list[str], variables: dict[str, str], words: str) -> None:
    edge, result = made(*arguments, **variables)
    assert (edge, result.exit_code) == (None, 2)
    assert words in result.output


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--max-body", "1"], UsageError),
        (["--edge-address", "here"], UsageError),
        (["--edge-http-port", "8081"], UsageError),
        (["--api-keys", "/no/such/file"], MissingError),
        (["--tls-cert", "/no/such/file", "--tls-key", "/no/such/file"], MissingError),
    ],
)
def test_what_the_edge_cannot_be_is_an_error_of_the_tooling(arguments: list[str], error: type[Exception]) -> None:
    edge, result = made("--edge", *arguments)
    assert edge is None
    assert type(result.exception) is error
