"""The OpenAPI document is valid, and what the gateway answers is what the document says."""

from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from gateways import IMAGE, Answer, RunningGateway, form
from triptych.testing import Failure, FakeServer


@pytest.fixture(scope="module")
def document(gateway: RunningGateway) -> dict[str, Any]:
    answer = gateway.ask("GET", "/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    return answer.document


def _check(document: dict[str, Any], answer: Answer, method: str, path: str) -> None:
    """Whether the document foresees this answer: its status, its type, its headers, its body."""
    response = document["paths"][path][method]["responses"][str(answer.status)]
    media_type = answer.headers["content-type"].partition(";")[0]
    schema = {**response["content"][media_type]["schema"], "components": document["components"]}
    if media_type.endswith("json"):
        OAS31Validator(schema).validate(answer.document)
    assert set(response["headers"]) - {"Retry-After"} <= set(answer.headers)
    assert "retry-after" not in answer.headers or "Retry-After" in response["headers"]


def test_the_document_is_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    validate(document)


def test_every_operation_is_there_and_no_other(document: dict[str, Any], gateway: RunningGateway) -> None:
    for path, methods in document["paths"].items():
        wrong = gateway.ask("DELETE", path)
        allowed = {method.strip().lower() for method in wrong.headers["allow"].split(",")}
        assert allowed - {"head"} == set(methods)


@pytest.mark.parametrize("path", ["/classify", "/embed"])
def test_answers_to_images(document: dict[str, Any], gateway: RunningGateway, path: str) -> None:
    _check(document, gateway.classify(b"a cat", path), "post", path)
    body, headers = form(("a.jpg", b"a"), ("empty.jpg", b""))
    _check(document, gateway.ask("POST", path, body, headers), "post", path)


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/metrics"])
def test_answers_to_operators(document: dict[str, Any], gateway: RunningGateway, path: str) -> None:
    answer = gateway.ask("GET", path)
    assert answer.status == 200
    _check(document, answer, "get", path)


def test_problems(document: dict[str, Any], gateway: RunningGateway, failing: FakeServer) -> None:
    answers = [
        gateway.classify(b"x", "/classify?top_k=0"),
        gateway.classify(bytes((20 << 20) + 1)),
        gateway.ask("POST", "/classify", b"x", {"Content-Type": "a/b"}),
        gateway.classify(b""),
    ]
    for failure in (Failure("INTERNAL", http=500), Failure("RESOURCE_EXHAUSTED", http=429)):
        failing.fails = failure
        answers.append(gateway.classify(b"x", x_timeout_s="0.2"))
    failing.answer_s, failing.fails = 0.3, None
    answers.append(gateway.classify(b"x", x_timeout_s="0.1"))
    assert [answer.status for answer in answers] == [400, 413, 415, 422, 502, 503, 504]
    for answer in answers:
        _check(document, answer, "post", "/classify")


def test_the_check_finds_a_wrong_document(document: dict[str, Any], gateway: RunningGateway) -> None:
    """The control of the tests above."""
    schemas = document["components"]["schemas"]
    prediction = {**schemas["Prediction"], "required": ["class_id", "label", "score", "colour"]}
    wrong = {**document, "components": {**document["components"], "schemas": {**schemas, "Prediction": prediction}}}
    with pytest.raises(Exception, match=r"is a required property|is not valid"):
        _check(wrong, gateway.ask("POST", "/classify", b"a cat", IMAGE), "post", "/classify")
