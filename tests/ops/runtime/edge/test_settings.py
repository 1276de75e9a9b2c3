from pathlib import Path
from typing import Any

import pytest

from certificates import Authority
from triptych_ops.errors import MissingError, UsageError
from triptych_ops.runtime.edge import ApiKey, EdgeSettings, Limits, TlsFiles


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"max_body_bytes": 20 * 1024 * 1024 - 1}, "is not between 20971520"),
        ({"max_body_bytes": 2**31}, "is not between"),
        ({"memory_bytes": 255 * 1024 * 1024}, "do not hold four bodies"),
        ({"max_concurrent": 0}, "max_concurrent is 0"),
        ({"max_connections": -1}, "max_connections is -1"),
        ({"request_timeout_s": 0}, "request_timeout_s is 0"),
        ({"answer_timeout_s": 3601}, "answer_timeout_s is 3601"),
        ({"idle_timeout_s": float("nan")}, "idle_timeout_s is nan"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Limits(**changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"http_port": 9000, "grpc_port": 9000}, "ports must differ"),
        ({"metrics_port": 8081}, "must differ: http 8080, grpc 8081, metrics 8081"),
        ({"address": "localhost"}, "'localhost' is not an IP address"),
        ({"api_keys": (ApiKey("a", "x" * 16), ApiKey("a", "y" * 16))}, "the same client"),
        ({"api_keys": (ApiKey("a", "x" * 16), ApiKey("b", "x" * 16))}, "the same secret"),
        ({"workers": 0}, "workers is 0"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words) as raised:
        EdgeSettings(**changes)
    assert "xxxx" not in str(raised.value)


def test_the_urls_say_how_the_edge_is_spoken_to(certificate: tuple[Path, Path]) -> None:
    assert EdgeSettings().http_url == "http://127.0.0.1:8080"
    assert EdgeSettings(address="::1", tls=TlsFiles(*certificate)).grpc_url == "grpcs://[::1]:8081"


@pytest.mark.parametrize(
    ("settings", "open_to_all"),
    [
        ({}, False),
        ({"address": "0.0.0.0"}, True),  # noqa: S104
        ({"address": "0.0.0.0", "api_keys": (ApiKey("a", "x" * 16),)}, False),  # noqa: S104
    ],
)
def test_an_edge_that_lets_the_network_in_says_so(settings: dict[str, Any], open_to_all: bool) -> None:
    assert EdgeSettings(**settings).open_to_all is open_to_all


def test_a_secret_is_not_shown() -> None:
    assert "hush" not in repr(EdgeSettings(api_keys=(ApiKey("a", "hush-hush-hush-hush"),)))


def test_tls_files_are_checked_before_anything_starts(
    authority: Authority, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    file, key = certificate
    _, other_key = authority.issue("other")
    empty = tmp_path / "empty.pem"
    empty.touch()
    with pytest.raises(MissingError, match=r"missing\.pem is not a file"):
        TlsFiles(file, tmp_path / "missing.pem")
    with pytest.raises(UsageError, match="are not a certificate and its key"):
        TlsFiles(file, other_key)
    with pytest.raises(UsageError, match="are not a certificate and its key"):
        TlsFiles(empty, key)
    with pytest.raises(UsageError, match="has no certificate in PEM"):
        TlsFiles(file, key, empty)
    assert TlsFiles(file, key, authority.file).client_authorities == authority.file
