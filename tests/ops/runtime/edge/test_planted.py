"""A script that fails lets nobody in: the filters behind it want its mark."""

import pytest

from edges import ask_grpc, ask_http, edge_before, grpc_bytes, http_request
from triptych_ops.runtime.edge import ApiKey, listeners

from .upstream import FakeTriton

BODY, HEADERS = http_request([b"\xff\xd8"])
MESSAGE = grpc_bytes([b"\xff\xd8"])
FAILING = "function envoy_on_request(handle)\n  error('planted')\nend\n"


@pytest.mark.parametrize("script", ["admission_script", "key_script"])
def test_a_failing_script_refuses(monkeypatch: pytest.MonkeyPatch, behind: FakeTriton, script: str) -> None:
    monkeypatch.setattr(listeners, script, lambda _: FAILING)
    key = {"x-api-key": "k" * 16}
    with edge_before(behind.ports, api_keys=(ApiKey("a", "k" * 16),)) as edge:
        assert ask_http(edge.settings.http_port, BODY, {**HEADERS, **key}).status == 403
        assert ask_grpc(edge.settings.grpc_port, MESSAGE, tuple(key.items()))[0] == "PERMISSION_DENIED"


def test_a_script_that_marks_everything_lets_everything_in(monkeypatch: pytest.MonkeyPatch, behind: FakeTriton) -> None:
    """The control of the tests of admission: without the script the edge would refuse nothing of a body."""
    marking = (
        'function envoy_on_request(h)\n  h:streamInfo():dynamicMetadata():set("triptych", "admitted", true)\nend\n'
    )
    monkeypatch.setattr(listeners, "admission_script", lambda _: marking)
    with edge_before(behind.ports) as edge:
        assert ask_http(edge.settings.http_port, b"{}").status == 200
        assert ask_grpc(edge.settings.grpc_port, b"\x0a\x0apreprocess") == ("OK", "")
