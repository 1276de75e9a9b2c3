"""The page and the documentation: whole in themselves, and allowed nothing but this gateway."""

import base64
import hashlib
import re

import pytest

from gateways import IMAGE, RunningGateway, running
from triptych.testing import FakeServer


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_loads_nothing(gateway: RunningGateway, path: str) -> None:
    answer = gateway.ask("GET", path)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    text = answer.body.decode()
    references = re.findall(r"""(?:src|href|action)=["']([^"']*)""", text) + re.findall(r"url\(([^)]*)\)", text)
    assert [each for each in references if not each.startswith("data:")] in (["docs"], [".", "openapi.json"])
    assert "@import" not in text
    assert "/*style*/" not in text
    assert "/*script*/" not in text


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_the_policy_names_what_the_page_holds_and_nothing_else(gateway: RunningGateway, path: str) -> None:
    answer = gateway.ask("GET", path)
    policy = answer.headers["content-security-policy"]
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    assert directives["default-src"] == "'none'"
    assert "unsafe" not in policy
    text = answer.body.decode()
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        found = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()}'" for each in found]
        assert directives[directive] == (" ".join(hashes) or "'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_the_documentation_names_every_path(gateway: RunningGateway) -> None:
    text = gateway.ask("GET", "/docs").body.decode()
    for path in gateway.ask("GET", "/openapi.json").document["paths"]:
        assert f" {path}</code>" in text


def test_other_sites_may_not_ask_unless_they_are_named(gateway: RunningGateway, server: FakeServer) -> None:
    shop = {**IMAGE, "Origin": "https://shop.example"}
    assert "access-control-allow-origin" not in gateway.ask("POST", "/classify", b"x", shop).headers
    with running(server.http_url, allow_origins=["https://shop.example"]) as open_gateway:
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
        before = open_gateway.ask("OPTIONS", "/classify", headers={**shop, **asked})
        answer = open_gateway.ask("POST", "/classify", b"x", shop)
        refused = open_gateway.ask("POST", "/classify", b"", shop)
        other = open_gateway.ask("POST", "/classify", b"x", {**IMAGE, "Origin": "https://other.example"})
    assert before.status == 200
    for allowed in (before, answer, refused):
        assert allowed.headers["access-control-allow-origin"] == "https://shop.example"
    assert "x-request-id" in answer.headers["access-control-expose-headers"].lower()
    assert "access-control-allow-origin" not in other.headers
