"""One inference as messages of Triton's gRPC service. No I/O.

Source: https://github.com/triton-inference-server/common/blob/main/protobuf/grpc_service.proto
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from numpy.typing import NDArray
from tritonclient.grpc import service_pb2

from .. import contract
from ..errors import ProtocolError
from . import tensors
from .http_codec import MAX_JSON_BYTES
from .transport import InferRequest, InferResponse

_SERVICE = "/inference.GRPCInferenceService/"
_VERSION = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})(?![0-9])")
_CANCELS_SAFELY = (2, 57)  # https://github.com/triton-inference-server/server/issues/7368 and 8034


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the service, as `channel.unary_unary` takes it."""

    name: str
    request: Any
    response: Any

    def of(self, channel: Any) -> Any:
        """What calls it, of either kind of channel."""
        return channel.unary_unary(
            _SERVICE + self.name,
            request_serializer=self.request.SerializeToString,
            response_deserializer=self.response.FromString,
        )


INFER: Final = Method("ModelInfer", service_pb2.ModelInferRequest, service_pb2.ModelInferResponse)
CONFIG: Final = Method("ModelConfig", service_pb2.ModelConfigRequest, service_pb2.ModelConfigResponse)
METADATA: Final = Method("ServerMetadata", service_pb2.ServerMetadataRequest, service_pb2.ServerMetadataResponse)

CONFIG_REQUEST: Final = service_pb2.ModelConfigRequest(name=contract.MODEL_NAME)
METADATA_REQUEST: Final = service_pb2.ServerMetadataRequest()


def encode(request: InferRequest) -> Any:
    """The message of `ModelInfer`. Triton's parameter `timeout`, microseconds, tells the models the caller's time."""
    message = service_pb2.ModelInferRequest(model_name=contract.MODEL_NAME, id=request.request_id)
    message.parameters["timeout"].int64_param = int(request.timeout_s * 1e6)
    datatype = contract.INPUTS[contract.IMAGE]
    message.inputs.add(name=contract.IMAGE, datatype=datatype, shape=[len(request.images), 1])
    message.raw_input_contents.append(tensors.of_images(request.images))
    for name in request.outputs:
        message.outputs.add(name=name)
    return message


def decode(answer: Any) -> InferResponse:
    """The answer of `ModelInfer`.

    Raises:
        ProtocolError: its tensors do not fit their shapes, or an output stands there twice.
    """
    outputs: dict[str, NDArray[Any]] = {}
    for each, data in zip(answer.outputs, answer.raw_output_contents, strict=False):
        tensors.add_decoded(outputs, each.name, data, datatype=each.datatype, shape=each.shape)
    return InferResponse(answer.model_version, outputs, answer.id)


def parameters(answer: Any) -> Mapping[str, str]:
    """The answer of `ModelConfig`: the parameters of the model.

    Raises:
        ProtocolError: they are larger than any honest model's.
    """
    if answer.ByteSize() > MAX_JSON_BYTES:
        raise ProtocolError(f"the model configuration has more than {MAX_JSON_BYTES} bytes")
    return {key: parameter.string_value for key, parameter in answer.config.parameters.items()}


def cancels_safely(version: str) -> bool:
    """Whether a Triton of this version survives the cancellation of a request."""
    numbers = _VERSION.match(version)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= _CANCELS_SAFELY
