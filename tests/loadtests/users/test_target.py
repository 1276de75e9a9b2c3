"""Which protocol a URL means, and which users take part for it."""

import json

import pytest

from loadtests.users.fitting import fitting
from loadtests.users.target import Target
from triptych import InvalidUrlError


@pytest.mark.parametrize(
    ("url", "rest", "protocol"),
    [
        ("grpc://a:1", False, "grpc"),
        ("dns:///a:1", False, "grpc"),
        ("http://a:1", False, "http"),
        ("https://a", True, "rest"),
    ],
)
def test_the_protocol_of_a_url(url: str, rest: bool, protocol: str) -> None:
    target = Target.at([url], rest=rest, headers={"x-api-key": "k"})
    assert target.protocol == protocol
    assert Target.from_document(json.loads(json.dumps(target.document()))) == target


@pytest.mark.parametrize(
    ("urls", "rest", "words"),
    [
        (["grpc://a:1", "http://a:2"], False, "one protocol"),
        (["grpc://a:1"], True, "a gateway speaks HTTP"),
        (["ftp://a"], False, "scheme"),
    ],
)
def test_what_does_not_fit_is_refused(urls: list[str], rest: bool, words: str) -> None:
    with pytest.raises(InvalidUrlError, match=words):
        Target.at(urls, rest=rest)


class Grpc:
    protocol = "grpc"


class Http:
    protocol = "http"


class Crowd:
    protocol = "grpc"
    only_when_picked = True


class Other:
    pass


@pytest.mark.parametrize(
    ("classes", "host", "picked", "fit"),
    [
        ([Grpc, Http, Crowd], "grpc://a:1", False, [Grpc]),
        ([Grpc, Http, Crowd], "http://a:1", False, [Http]),
        ([Grpc, Http, Crowd], None, False, [Grpc]),
        ([Grpc, Http, Crowd], "http://a:1", True, [Grpc, Http, Crowd]),
        ([Grpc, Other], "http://a:1", False, [Other]),
        ([Grpc], "http://a:1", False, [Grpc]),
    ],
)
def test_users_that_fit_the_host_take_part(
    classes: list[type], host: str | None, picked: bool, fit: list[type]
) -> None:
    assert fitting(classes, host=host, picked=picked) == fit
