"""The gateway's interface as an OpenAPI 3.1 document.

Source: https://spec.openapis.org/oas/v3.1.1
"""

from collections.abc import Sequence
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from triptych import image_formats

from . import parameters, problems, schemas
from .inference import FORM_TYPE, IMAGE_TYPES
from .limits import Limits
from .problems import Kind

_PREFIX: Final = "#/components/schemas/"
_MIB: Final = 1024 * 1024
_ANY_ROUTE: Final = (problems.INTERNAL,)
_INFERENCE: Final = (
    problems.INVALID_REQUEST,
    problems.BODY_TIMEOUT,
    problems.TOO_LARGE,
    problems.UNSUPPORTED_MEDIA_TYPE,
    problems.BAD_IMAGE,
    problems.INTERNAL,
    problems.BAD_ANSWER,
    problems.SERVER_FAILED,
    problems.SERVER_REFUSED,
    problems.NO_MODEL,
    problems.OVERLOADED,
    problems.UNAVAILABLE,
    problems.STOPPING,
    problems.DEADLINE,
)


def document(limits: Limits) -> dict[str, Any]:
    """The document of a gateway with these limits."""
    _, definitions = models_json_schema(
        [(model, "serialization") for model in schemas.ALL], ref_template=_PREFIX + "{model}"
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Triptych gateway",
            "version": "1",
            "summary": "Image classification over plain HTTP",
            "description": (
                "Images in, JSON out. Every error is a problem of RFC 9457: `type` names its kind, `detail` says what "
                "was wrong, `code` is one word for programs. An answer with `Retry-After` passes by itself."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "."}],
        "paths": {
            "/classify": {"post": _inference("classify", "Classify images", "Classification", limits, top_k=True)},
            "/embed": {"post": _inference("embed", "Features of images", "Embedding", limits, top_k=False)},
            "/healthz": {"get": _health(limits)},
            "/livez": {"get": _get("life", "Whether the process answers", "application/json", _reference("Life"))},
            "/metrics": {"get": _get("metrics", "Metrics for Prometheus", "text/plain", {"type": "string"})},
        },
        "components": {"schemas": definitions["$defs"], "headers": _HEADERS, "parameters": _PARAMETERS},
    }


_HEADERS: Final = {
    "RequestId": {
        "description": "The caller's `x-request-id`, else one of the gateway's.",
        "required": True,
        "schema": {"type": "string"},
    },
    "RetryAfter": {
        "description": "Seconds after which to come back; absent where that is no use.",
        "schema": {"type": "integer", "minimum": 1},
    },
}
_PARAMETERS: Final = {
    "RequestId": {
        "name": parameters.REQUEST_ID_HEADER,
        "in": "header",
        "description": (
            "The caller's name for the request. It goes on to the server and comes back with the answer. Any other "
            "than 1 to 128 characters of A-Z a-z 0-9 . _ : / + = @ - is replaced by one of the gateway's."
        ),
        "schema": {"type": "string"},
    },
}


def _inference(name: str, summary: str, answer: str, limits: Limits, *, top_k: bool) -> dict[str, Any]:
    classes = {
        "name": parameters.TOP_K,
        "in": "query",
        "description": "The most classes of an answer; all that the release gives where it is absent.",
        "schema": {"type": "integer", "minimum": 1},
    }
    files = {"type": "array", "minItems": 1, "maxItems": limits.images, "items": {"type": "string"}}
    form = {"type": "object", "properties": {"file": files}, "additionalProperties": files}
    content: dict[str, Any] = {media_type: {} for media_type in IMAGE_TYPES} | {FORM_TYPE: {"schema": form}}
    return {
        "operationId": name,
        "summary": summary,
        "description": (
            f"The body is an image, {image_formats.ANY}, of at most {limits.image_bytes / _MIB:g} MiB; or a form "
            f"with one such file or several, {limits.images} at most and {limits.body_bytes / _MIB:g} MiB in all. Of "
            "several each has an entry in the answer, in their order; one that cannot be classified has its error "
            "there, and the answer's status is 200 all the same."
        ),
        "parameters": [
            *([classes] if top_k else []),
            _timeout(parameters.TIMEOUT, "query", limits),
            _timeout(parameters.TIMEOUT_HEADER, "header", limits),
            {"$ref": "#/components/parameters/RequestId"},
        ],
        "requestBody": {"required": True, "content": content},
        "responses": {
            "200": _response(
                "Of one image, or of several.",
                "application/json",
                {"oneOf": [_reference(answer), _reference(f"{answer}s")]},
            ),
            **_problems(_INFERENCE),
        },
    }


def _timeout(name: str, place: str, limits: Limits) -> dict[str, Any]:
    return {
        "name": name,
        "in": place,
        "description": f"Seconds from the whole request to its answer, {limits.longest_timeout_s:g} at most.",
        "schema": {"type": "number", "exclusiveMinimum": 0, "default": limits.timeout_s},
    }


def _health(limits: Limits) -> dict[str, Any]:
    get = _get("health", "Whether the server answers rightly", "application/json", _reference("Health"))
    description = (
        "A real classification of a built-in image with a known answer. The verdict is kept for "
        f"{limits.health_fresh_s:g} s."
    )
    verdict = {
        "allOf": [_reference("Problem")],
        "properties": {key: {} for key in ("ok", "release", "known", "elapsed_s")},
        "required": ["ok", "release", "known", "elapsed_s"],
    }
    problem = _problem_response((problems.UNHEALTHY,))
    problem["content"] = {problems.MEDIA_TYPE: {"schema": verdict}}
    return {**get, "description": description, "responses": {**get["responses"], "503": problem}}


def _get(name: str, summary: str, media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "parameters": [{"$ref": "#/components/parameters/RequestId"}],
        "responses": {"200": _response(summary + ".", media_type, schema), **_problems(_ANY_ROUTE)},
    }


def _problems(kinds: Sequence[Kind]) -> dict[str, Any]:
    statuses = sorted({kind.status for kind in kinds})
    return {str(status): _problem_response([kind for kind in kinds if kind.status == status]) for status in statuses}


def _problem_response(kinds: Sequence[Kind]) -> dict[str, Any]:
    description = "; ".join(f"{kind.title} (`{kind.name}`)" for kind in kinds) + "."
    response = _response(description, problems.MEDIA_TYPE, _reference("Problem"))
    if any(kind.passes for kind in kinds):
        response["headers"]["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    return response


def _response(description: str, media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": description,
        "headers": {parameters.REQUEST_ID_HEADER: {"$ref": "#/components/headers/RequestId"}},
        "content": {media_type: {"schema": schema}},
    }


def _reference(schema: str) -> dict[str, Any]:
    return {"$ref": _PREFIX + schema}
