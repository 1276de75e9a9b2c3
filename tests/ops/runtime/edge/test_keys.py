"""Who is let in."""

from collections.abc import Iterator

import pytest

from edges import ask_grpc, ask_http, edge_before, grpc_bytes, http_request
from triptych_ops.runtime.edge import ApiKey, Edge

from .upstream import FakeTriton

QUOTES = "a'b\"c\\d]]--0123456789"
BODY, HEADERS = http_request([b"\xff\xd8"])
MESSAGE = grpc_bytes([b"\xff\xd8"])
NEEDED = "an API key is needed: authorization: Bearer KEY, or x-api-key: KEY"


@pytest.fixture(scope="module")
def guarded(behind: FakeTriton) -> Iterator[Edge]:
    keys = (ApiKey("shop", QUOTES), ApiKey("team", "t" * 16))
    with edge_before(behind.ports, api_keys=keys) as running:
        yield running


@pytest.mark.parametrize(
    "key",
    [
        {"x-api-key": QUOTES},
        {"authorization": f"Bearer {QUOTES}"},
        {"authorization": "bearer " + "t" * 16},
    ],
)
def test_a_known_key_is_let_in_and_kept_from_triton(guarded: Edge, behind: FakeTriton, key: dict[str, str]) -> None:
    assert ask_http(guarded.settings.http_port, BODY, {**HEADERS, **key}).status == 200
    assert not key.keys() & behind.headers[-1].keys()
    assert ask_grpc(guarded.settings.grpc_port, MESSAGE, tuple(key.items())) == ("OK", "")
    assert not key.keys() & behind.headers[-1].keys()


@pytest.mark.parametrize(
    "key",
    [
        {},
        {"x-api-key": ""},
        {"x-api-key": QUOTES[:-1]},
        {"x-api-key": QUOTES + "x"},
        {"x-api-key": f"Bearer {QUOTES}"},
        {"x-api-key": "shop"},
        {"authorization": QUOTES},
        {"authorization": f"Basic {QUOTES}"},
        {"authorization": "Bearer"},
        {"authorization": f"Bearer  {QUOTES}"},
        {"x-api-key": "wrong", "authorization": f"Bearer {QUOTES}"},
        {"cookie": f"x-api-key={QUOTES}"},
    ],
)
@pytest.mark.parametrize("path", ["/v2/models/image_classifier/infer", "/v2/health/ready", "/"])
def test_nobody_else_is_let_in_anywhere(guarded: Edge, behind: FakeTriton, key: dict[str, str], path: str) -> None:
    before = len(behind.bodies)
    answer = ask_http(guarded.settings.http_port, BODY, {**HEADERS, **key}, path=path)
    assert (answer.status, answer.error) == (401, NEEDED)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert ask_grpc(guarded.settings.grpc_port, MESSAGE, tuple(key.items())) == ("UNAUTHENTICATED", NEEDED)
    assert len(behind.bodies) == before


def test_without_a_key_no_byte_of_a_body_is_waited_for(guarded: Edge) -> None:
    answer = ask_http(guarded.settings.http_port, b"", {**HEADERS, "content-length": "1000"})
    assert answer.status == 401
