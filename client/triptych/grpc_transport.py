"""gRPC transport: tritonclient's own client, its errors translated."""

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import grpc
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

from . import contract
from .endpoint import Endpoint
from .errors import (
    DeadlineExceededError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    ProtocolError,
    ServerError,
    TriptychError,
    UnavailableError,
)
from .transport import InferRequest, InferResponse, InvalidArgumentError, image_tensor

_ERRORS: Mapping[str, type[TriptychError]] = {
    "StatusCode.INVALID_ARGUMENT": InvalidArgumentError,
    "StatusCode.DEADLINE_EXCEEDED": DeadlineExceededError,
    "StatusCode.UNAVAILABLE": UnavailableError,
    "StatusCode.RESOURCE_EXHAUSTED": OverloadedError,
    "StatusCode.NOT_FOUND": NotFoundError,
    "StatusCode.UNAUTHENTICATED": PermissionDeniedError,
    "StatusCode.PERMISSION_DENIED": PermissionDeniedError,
    "StatusCode.UNIMPLEMENTED": ProtocolError,
}
"""gRPC status -> error; every other status is a ServerError."""

_CHANNEL_OPTIONS = (
    ("grpc.max_send_message_length", -1),  # Triton's own limits decide
    ("grpc.max_receive_message_length", -1),
    # A server that comes back is found within a second; gRPC's default waits up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # As over HTTP: a request goes where the URL says, whatever `http_proxy` is in the environment.
    ("grpc.enable_http_proxy", 0),
)


class GrpcTransport:
    """Triton's gRPC service at one endpoint, over one channel."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._client = triton.InferenceServerClient(
            endpoint.authority, ssl=endpoint.scheme == "grpcs", channel_args=list(_CHANNEL_OPTIONS)
        )

    def infer(self, request: InferRequest) -> InferResponse:
        """Ask `image_classifier`."""
        tensor = image_tensor(request.images)
        image = triton.InferInput(contract.IMAGE, list(tensor.shape), contract.INPUTS[contract.IMAGE])
        image.set_data_from_numpy(tensor)
        with self._errors(request.timeout_s):
            result = self._client.infer(
                contract.MODEL_NAME,
                [image],
                outputs=[triton.InferRequestedOutput(name) for name in request.outputs],
                request_id=request.request_id,
                client_timeout=request.timeout_s,
            )
        try:
            tensors = {name: result.as_numpy(name) for name in request.outputs}
        except (ValueError, TypeError, struct.error) as error:
            raise ProtocolError(f"{self._endpoint}: a tensor's bytes do not fit its shape: {error}") from error
        version = result.get_response().model_version
        return InferResponse(version, {name: tensor for name, tensor in tensors.items() if tensor is not None})

    def parameters(self, *, timeout_s: float) -> Mapping[str, str]:
        """`parameters` of the ensemble's configuration."""
        with self._errors(timeout_s):
            config = self._client.get_model_config(contract.MODEL_NAME, client_timeout=timeout_s).config
        return {key: parameter.string_value for key, parameter in config.parameters.items()}

    def close(self) -> None:
        """Release the channel; a second call does nothing."""
        self._client.close()

    @contextmanager
    def _errors(self, timeout_s: float) -> Iterator[None]:
        try:
            yield
        except InferenceServerException as error:
            raise _translated(error, self._endpoint, timeout_s) from error
        except ValueError as error:  # gRPC's word for a call on a closed channel
            raise UnavailableError(f"this client was closed; make another ({error})") from error
        except grpc.RpcError as error:
            raise UnavailableError(f"{self._endpoint}: {error}") from error


def _translated(error: InferenceServerException, endpoint: Endpoint, timeout_s: float) -> TriptychError:
    status, message = error.status(), error.message() or "no message"
    kind = _ERRORS.get(str(status), ServerError)
    if kind is UnavailableError:
        return UnavailableError(f"no gRPC server answers at {endpoint}; is it running? ({message.splitlines()[0]})")
    if kind is DeadlineExceededError:
        return DeadlineExceededError(f"{endpoint} did not answer within {timeout_s:g} s")
    if kind is InvalidArgumentError:
        return InvalidArgumentError(message)
    return kind(f"{endpoint}: {message.splitlines()[0]}")
