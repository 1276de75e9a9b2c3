import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from tritonclient.grpc import service_pb2

from triptych import (
    Client,
    DeadlineExceededError,
    PermissionDeniedError,
    ProtocolError,
    TriptychError,
    UnavailableError,
)
from triptych.endpoint import Endpoint
from triptych.transports import grpc_channel
from triptych.transports.grpc_transport import GrpcTransport
from triptych.transports.transport import InferRequest

REQUEST = InferRequest((b"first", b""), ("LABEL", "SCORE"), "request-1", 10.0)
HASTY = InferRequest((b"image",), ("SCORE",), "request-1", 0.3)


def transport(authority: str) -> GrpcTransport:
    return GrpcTransport(Endpoint.from_url(f"grpc://{authority}"))


def test_an_inference_sends_the_images_and_asks_for_the_outputs(grpc_server: Callable[..., str]) -> None:
    seen = []

    def infer(request: Any, _: Any) -> Any:
        seen.append(request)
        return service_pb2.ModelInferResponse(model_version="7")

    transport(grpc_server(ModelInfer=infer)).infer(REQUEST)
    (request,) = seen
    assert (request.model_name, request.model_version, request.id) == ("image_classifier", "", "request-1")
    assert [(each.name, each.datatype, list(each.shape)) for each in request.inputs] == [("IMAGE", "BYTES", [2, 1])]
    assert list(request.raw_input_contents) == [b"\x05\0\0\0first" + b"\0\0\0\0"]
    assert [each.name for each in request.outputs] == ["LABEL", "SCORE"]


def test_an_inference_gives_the_tensors_and_the_release(grpc_server: Callable[..., str]) -> None:
    tensor = service_pb2.ModelInferResponse.InferOutputTensor
    answer = service_pb2.ModelInferResponse(
        model_version="7",
        outputs=[
            tensor(name="SCORE", datatype="FP32", shape=[2, 1]),
            tensor(name="LABEL", datatype="BYTES", shape=[2, 1]),
        ],
        raw_output_contents=[struct.pack("<2f", 0.75, 0.25), b"\x03\0\0\0cat" + b"\0\0\0\0"],
    )
    response = transport(grpc_server(ModelInfer=lambda _, __: answer)).infer(REQUEST)
    assert response.model_version == "7"
    assert {name: each.tolist() for name, each in response.outputs.items()} == {
        "LABEL": [[b"cat"], [b""]],
        "SCORE": [[0.75], [0.25]],
    }


def test_an_output_that_does_not_come_is_left_out(grpc_server: Callable[..., str]) -> None:
    authority = grpc_server(ModelInfer=lambda _, __: service_pb2.ModelInferResponse(model_version="7"))
    assert transport(authority).infer(REQUEST).outputs == {}


def test_parameters_are_read_from_the_configuration(grpc_server: Callable[..., str]) -> None:
    answer = service_pb2.ModelConfigResponse()
    answer.config.parameters["health_class_id"].string_value = "967"
    authority = grpc_server(ModelConfig=lambda _, __: answer)
    assert transport(authority).parameters(timeout_s=10.0) == {"health_class_id": "967"}


def test_the_server_is_told_the_caller_s_time(grpc_server: Callable[..., str]) -> None:
    left_s = []

    def refuse(_: Any, context: Any) -> None:
        left_s.append(context.time_remaining())
        context.abort(grpc.StatusCode.PERMISSION_DENIED, "not you")

    asked = transport(grpc_server(ModelInfer=refuse, ModelConfig=refuse))
    for call in (lambda: asked.infer(REQUEST), lambda: asked.parameters(timeout_s=10.0)):
        with pytest.raises(PermissionDeniedError):
            call()
    # A server that has not told its version is not to cancel the inference at the caller's deadline.
    assert 11 < left_s[0] < 11 + grpc_channel.GRACE_S
    assert 0 < left_s[1] < 11


def test_where_nothing_listens_no_server_is_available(nobody: str) -> None:
    with pytest.raises(UnavailableError, match=nobody) as caught:
        transport(nobody).infer(REQUEST)
    assert caught.value.__cause__ is not None


def test_a_server_that_never_answers_is_given_up(black_hole: str) -> None:
    with pytest.raises((DeadlineExceededError, UnavailableError), match=black_hole):
        transport(black_hole).infer(HASTY)


def test_a_call_that_takes_too_long_exceeds_the_deadline(grpc_server: Callable[..., str]) -> None:
    def infer(_: Any, context: Any) -> Any:
        given_up = threading.Event()
        context.add_callback(given_up.set)
        given_up.wait()
        return service_pb2.ModelInferResponse()

    authority = grpc_server(ModelInfer=infer)
    with pytest.raises(DeadlineExceededError, match=rf"{authority} did not answer within 0\.3 s"):
        transport(authority).infer(HASTY)


def test_a_server_of_another_protocol_is_an_error_of_ours(http_server: Callable[[bytes], str]) -> None:
    with pytest.raises(TriptychError):
        transport(http_server(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")).infer(HASTY)


def test_only_the_first_line_of_a_failure_is_shown(grpc_server: Callable[..., str]) -> None:
    authority = grpc_server(
        ModelInfer=lambda _, context: context.abort(grpc.StatusCode.PERMISSION_DENIED, "not you\nsecond line")
    )
    with pytest.raises(PermissionDeniedError, match=r"not you; this client sends no key"):
        transport(authority).infer(REQUEST)


def test_a_closed_transport_is_unavailable_and_closes_twice(grpc_server: Callable[..., str]) -> None:
    closed = transport(grpc_server(ModelInfer=lambda _, __: service_pb2.ModelInferResponse()))
    closed.close()
    closed.close()
    with pytest.raises(UnavailableError) as caught:
        closed.infer(REQUEST)
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize(
    ("name", "datatype", "content"), [("SCORE", "FP32", b"\0"), ("LABEL", "BYTES", b"\x09\0\0\0ab")]
)
def test_a_tensor_whose_bytes_do_not_fit_breaks_the_contract(
    grpc_server: Callable[..., str], name: str, datatype: str, content: bytes
) -> None:
    response = service_pb2.ModelInferResponse(model_version="7")
    response.outputs.add(name=name, datatype=datatype, shape=[1, 2])
    response.raw_output_contents.append(content)
    authority = grpc_server(ModelInfer=lambda _, __: response)
    with Client(f"grpc://{authority}") as client:
        with pytest.raises(ProtocolError, match="do not fit its shape"):
            client.classify(b"image")
        assert not client.health().ok


def test_a_proxy_in_the_environment_is_not_used(
    grpc_server: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        for name in ("http_proxy", "grpc_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        for name in ("no_proxy", "NO_PROXY", "no_grpc_proxy"):
            monkeypatch.delenv(name, raising=False)
        authority = grpc_server(ModelInfer=lambda _, __: service_pb2.ModelInferResponse(model_version="7"))
        assert transport(authority).infer(REQUEST).model_version == "7"
