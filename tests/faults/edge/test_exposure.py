"""Case 36: what of Triton can be reached through the edge, by whom."""

import json
from collections.abc import Iterable, Iterator, Mapping

import pytest
from tritonclient.grpc import service_pb2

from edges import PATH, ask_grpc, ask_http, edge_before, grpc_bytes, grpc_request, http_request
from triptych import contract
from triptych_ops.runtime import Server
from triptych_ops.runtime.edge import ApiKey, Edge

MODEL = f"/v2/models/{contract.MODEL_NAME}"
KEY = "a-key-of-a-client-that-is-known"
IDENTITIES: Mapping[str, Mapping[str, str]] = {
    "no key": {},
    "a wrong key": {"x-api-key": KEY[::-1]},
    "the right key": {"x-api-key": KEY},
}

HTTP: Mapping[str, tuple[str, ...]] = {
    "health": ("GET /v2/health/live", "GET /v2/health/ready", f"GET {MODEL}/ready", f"GET {MODEL}/versions/1/ready"),
    "metadata": ("GET /v2", f"GET {MODEL}", f"GET {MODEL}/versions/1", "GET /v2/models/preprocess"),
    "inference": (f"POST {PATH}", f"POST {MODEL}/versions/1/infer"),
    "shared-memory": tuple(
        f"{verb} /v2/{kind}sharedmemory/{rest}"
        for kind in ("system", "cuda")
        for verb, rest in (("GET", "status"), ("POST", "region/x/register"), ("POST", "unregister"))
    ),
    "model-config": (f"GET {MODEL}/config", f"GET {MODEL}/versions/1/config", "GET /v2/models/classifier/config"),
    "model-repository": (
        "POST /v2/repository/index",
        "POST /v2/repository/models/classifier/load",
        "POST /v2/repository/models/classifier/unload",
    ),
    "statistics": ("GET /v2/models/stats", f"GET {MODEL}/stats", f"GET {MODEL}/versions/1/stats", "GET /metrics"),
    "trace": ("GET /v2/trace/setting", "POST /v2/trace/setting", f"POST {MODEL}/trace/setting"),
    "logging": ("GET /v2/logging", "POST /v2/logging"),
}
"""Triton's nine protocols, as `--http-restricted-api` names them, with all of their endpoints."""

GRPC: Mapping[str, tuple[str, ...]] = {
    "health": ("ServerLive", "ServerReady", "ModelReady", "/grpc.health.v1.Health/Check"),
    "metadata": ("ServerMetadata", "ModelMetadata"),
    "inference": ("ModelInfer",),
    "shared-memory": tuple(
        f"{kind}SharedMemory{verb}" for kind in ("System", "Cuda") for verb in ("Status", "Register", "Unregister")
    ),
    "model-config": ("ModelConfig",),
    "model-repository": ("RepositoryIndex", "RepositoryModelLoad", "RepositoryModelUnload"),
    "statistics": ("ModelStatistics",),
    "trace": ("TraceSetting",),
    "logging": ("LogSettings",),
}
_STREAM = "ModelStreamInfer"  # inference as well; the ensemble is not served by it

GOLDEN = """\
                   http                                  grpc
category           no key  a wrong key  the right key    no key           a wrong key      the right key
health             401     401          404              UNAUTHENTICATED  UNAUTHENTICATED  UNIMPLEMENTED
metadata           401     401          404              UNAUTHENTICATED  UNAUTHENTICATED  UNIMPLEMENTED
inference          401     401          200              UNAUTHENTICATED  UNAUTHENTICATED  OK
shared-memory      401     401          404              UNAUTHENTICATED  UNAUTHENTICATED  UNIMPLEMENTED
model-config       401     401          404              UNAUTHENTICATED  UNAUTHENTICATED  UNIMPLEMENTED
model-repository   401     401          404              UNAUTHENTICATED  UNAUTHENTICATED  UNIMPLEMENTED
statistics         401     401          404              UNAUTHENTICATED  UNAUTHENTICATED  UNIMPLEMENTED
trace              401     401          404              UNAUTHENTICATED  UNAUTHENTICATED  UNIMPLEMENTED
logging            401     401          404              UNAUTHENTICATED  UNAUTHENTICATED  UNIMPLEMENTED
"""


@pytest.fixture(scope="module")
def edge(server: Server) -> Iterator[Edge]:
    with edge_before(server.ports, api_keys=(ApiKey("client", KEY),)) as running:
        yield running


def http_answer(port: int, endpoint: str, photograph: bytes, identity: Mapping[str, str]) -> str:
    """The status of `VERB PATH`."""
    verb, path = endpoint.split()
    body, headers = http_request([photograph]) if path.endswith("/infer") else (b"{}" if verb == "POST" else None, {})
    answer = ask_http(port, body, {**headers, **identity}, path=path, method=verb)
    if answer.status != 200:
        assert set(json.loads(answer.body)) == {"error"}
    return str(answer.status)


def grpc_answer(port: int, method: str, photograph: bytes, identity: Mapping[str, str]) -> str:
    """The status of a method."""
    path = method if method.startswith("/") else f"/inference.GRPCInferenceService/{method}"
    message = grpc_bytes([photograph]) if method == "ModelInfer" else b""
    return ask_grpc(port, message, tuple(identity.items()), method=path)[0]


def cell(answers: Iterable[str]) -> str:
    """What all endpoints of a category answer; all that they answer where they differ."""
    return "/".join(sorted(set(answers)))


def matrix(http_port: int, grpc_port: int, photograph: bytes) -> tuple[str, int]:
    """The table of answers, and how many cells it has."""
    rows = []
    for category, endpoints in HTTP.items():
        http = [
            cell(http_answer(http_port, endpoint, photograph, who) for endpoint in endpoints)
            for who in IDENTITIES.values()
        ]
        calls = [
            cell(grpc_answer(grpc_port, method, photograph, who) for method in GRPC[category])
            for who in IDENTITIES.values()
        ]
        rows.append([category, *http, *calls])
    head = f"{'':19}{'http':38}grpc\n"
    form = "{:<19}{:<8}{:<13}{:<17}{:<17}{:<17}{}"
    lines = [form.format(*row).rstrip() for row in (["category", *IDENTITIES, *IDENTITIES], *rows)]
    return head + "\n".join(lines) + "\n", sum(len(row) - 1 for row in rows)


def test_only_inference_of_the_ensemble_is_reachable_with_a_key(edge: Edge, photograph: bytes) -> None:
    table, cells = matrix(edge.settings.http_port, edge.settings.grpc_port, photograph)
    assert table == GOLDEN
    print(f"case 36: {cells} of 54 cells as in the golden table")
    assert cells == 54


def test_the_matrix_would_show_what_is_open(server: Server, photograph: bytes) -> None:
    """The control: without the edge, Triton answers everybody, to more than inference."""
    table, _ = matrix(server.ports.http, server.ports.grpc, photograph)
    rows = {line.split()[0]: line.split()[1:] for line in table.splitlines()[2:]}
    for category in ("health", "metadata", "inference", "model-config", "statistics"):
        *http, first, second, third = rows[category]
        assert all("200" in answers for answers in http)
        assert not {"UNAUTHENTICATED", "UNIMPLEMENTED"} & {first, second, third}


def test_the_matrix_has_every_method_of_the_service() -> None:
    service = service_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"]
    listed = {method for methods in GRPC.values() for method in methods if not method.startswith("/")}
    assert {method.name for method in service.methods} == listed | {_STREAM}


@pytest.mark.parametrize("method", [_STREAM, "modelinfer", "ModelInfer/", "ModelInfer?x", ""])
def test_streams_and_near_misses_are_closed(edge: Edge, method: str, photograph: bytes) -> None:
    path = f"/inference.GRPCInferenceService/{method}"
    message = grpc_bytes([photograph])
    status, _ = ask_grpc(edge.settings.grpc_port, message, (("x-api-key", KEY),), method=path)
    assert status == "UNIMPLEMENTED"


@pytest.mark.parametrize("member", contract.MEMBERS)
def test_the_ensembles_members_cannot_be_called(server: Server, edge: Edge, member: str, photograph: bytes) -> None:
    message = grpc_request([photograph])
    message.model_name = member
    sent = message.SerializeToString()
    assert ask_grpc(server.ports.grpc, sent)[0] == "INVALID_ARGUMENT"  # the control: the member itself judges it
    status, words = ask_grpc(edge.settings.grpc_port, sent, (("x-api-key", KEY),))
    assert (status, words) == ("PERMISSION_DENIED", "only the model image_classifier is served here")
    body, headers = http_request([photograph])
    path = PATH.replace(contract.MODEL_NAME, member)
    assert ask_http(server.ports.http, body, headers, path=path).status == 400
    assert ask_http(edge.settings.http_port, body, {**headers, "x-api-key": KEY}, path=path).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/v2/models/image_classifier/../preprocess/infer",
        "/v2/models/image_classifier/%2e%2e/preprocess/infer",
        "/v2/models/image_classifier%2f..%2fpreprocess/infer",
        "/v2/models/image_classifier/infer/../../../../v2/health/ready",
        "/v2/models/image_classifier/infer/..;/config",
        "//v2/models/image_classifier/infer",
        "/v2/models/image_classifier/infer/",
        "/v2/models/IMAGE_CLASSIFIER/infer",
        "/v2/models/image_classifier/versions/x/infer",
        "/v2/models/image_classifier/versions/-1/infer",
        "/v2/models/image_classifier/versions//infer",
        "/v2/models/image_classifier/generate",
        "/v2/models/image_classifier/infer\\..\\config",
        "/v2/models/image_classifier/infer%00",
        "*",
    ],
)
def test_no_writing_of_a_path_leads_elsewhere(edge: Edge, path: str, photograph: bytes) -> None:
    body, headers = http_request([photograph])
    answer = ask_http(edge.settings.http_port, body, {**headers, "x-api-key": KEY}, path=path)
    assert answer.status in {400, 404}


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("CONNECT", "127.0.0.1:22", {}),
        ("GET", "http://127.0.0.1:22/", {}),
        ("GET", "/", {"upgrade": "h2c", "connection": "upgrade"}),
        ("GET", "/", {"upgrade": "websocket", "connection": "upgrade"}),
        ("TRACE", PATH, {}),
        ("PUT", PATH, {}),
        ("GET", PATH, {}),
    ],
)
def test_the_edge_is_no_way_to_elsewhere(edge: Edge, method: str, path: str, headers: dict[str, str]) -> None:
    answer = ask_http(edge.settings.http_port, None, {**headers, "x-api-key": KEY}, path=path, method=method)
    assert 400 <= answer.status < 500
