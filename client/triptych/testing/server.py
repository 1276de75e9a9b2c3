"""A server of both protocols on loopback, without a model."""

import asyncio
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import grpc
from tritonclient.utils import deserialize_bytes_tensor

from .. import contract
from ..results import Prediction
from ..transports import grpc_codec, http_codec
from .answers import Rejection, raw, refusal
from .answers import outputs as outputs_of
from .certificates import Certificate, common_name, grpc_credentials, http_context

_LOOPBACK = "127.0.0.1"
_WORKERS = 64  # requests that are answered at once over gRPC
_GRPC_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0))
_CONFIGURATION = f"/v2/models/{contract.MODEL_NAME}/config"


@dataclass(frozen=True, slots=True)
class Failure:
    """How a request fails.

    grpc:     the name of a gRPC status
    http:     an HTTP status
    message:  the server's words
    headers:  trailing metadata over gRPC, headers over HTTP
    """

    grpc: str
    http: int
    message: str = "the server fails as it was told to"
    headers: Mapping[str, str] = field(default_factory=dict)


class FakeServer:
    """A server on loopback, on free ports unless they are given. A context manager.

    release:  the number that it answers with; may be set at any time, as may
    answer_s: how long each answer takes
    failure:  called with the number of the request, from 1 on; the failure of that request, or None
    fails:    the failure of every request from now on, or None; may be set at any time
    echoes:   whether an answer repeats the id of its request, as Triton does; may be set at any time
    requests: how many inferences were asked for; `versions`: how often the server's version was
    deadlines_s: what was left of each inference's gRPC deadline
    headers: what each inference came with: HTTP's headers, names in lower case, or gRPC's metadata
    callers: the common name of the certificate that each inference's client showed, or ""
    """

    def __init__(
        self,
        *,
        release: int = 1,
        version: str = "2.70.0",
        top_k: int = 5,
        answer_s: float = 0.0,
        failure: Callable[[int], Failure | None] = lambda _: None,
        grpc_port: int = 0,
        http_port: int = 0,
        tls: Certificate | None = None,
    ) -> None:
        self.release = release
        self._version = version
        self._top_k = top_k
        self._failure = failure
        self._ports = (grpc_port, http_port)
        self._lock = threading.Lock()
        self._leaving = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._failed: OSError | None = None
        self.answer_s = answer_s
        self.fails: Failure | None = None
        self.echoes = True
        self._given: dict[bytes, Sequence[Prediction] | Rejection] = {}
        self.requests = 0
        self.versions = 0
        self.deadlines_s: list[float | None] = []
        self.headers: list[Mapping[str, str]] = []
        self.callers: list[str] = []
        self._tls = tls

    @property
    def grpc_url(self) -> str:
        """Where it speaks gRPC."""
        return f"grpc{'s' if self._tls else ''}://{_LOOPBACK}:{self._ports[0]}"

    @property
    def http_url(self) -> str:
        """Where it speaks HTTP."""
        return f"http{'s' if self._tls else ''}://{_LOOPBACK}:{self._ports[1]}"

    def set_answer(self, image: bytes, *predictions: Prediction) -> None:
        """Answer an image with these classes from now on, best first; `top_k` is filled up with others of score 0.

        image: its encoded bytes, as they are sent

        Raises:
            ValueError: there is no class, or there are more than `top_k`.
        """
        if not 1 <= len(predictions) <= self._top_k:
            raise ValueError(
                f"give 1 to {self._top_k} predictions, the most that this server sends, not {len(predictions)}"
            )
        self._given[image] = predictions

    def set_error(self, image: bytes, code: str = "corrupt_image", message: str = "the image is damaged") -> None:
        """Reject an image from now on; a request whose images are all rejected fails, as at Triton.

        image: its encoded bytes, as they are sent

        Raises:
            ValueError: `code` is not one word.
        """
        if not contract.is_code(code):
            raise ValueError(f"code must be one word, such as corrupt_image, not {code!r}")
        self._given[image] = Rejection(code, message)

    def __enter__(self) -> Self:
        self._workers = ThreadPoolExecutor(_WORKERS)
        self._rpc = grpc.server(self._workers, options=_GRPC_OPTIONS)
        self._rpc.add_generic_rpc_handlers((_service(self._infer, self._config, self._metadata),))
        address = f"{_LOOPBACK}:{self._ports[0]}"
        grpc_port = (
            self._rpc.add_secure_port(address, grpc_credentials(self._tls))
            if self._tls
            else self._rpc.add_insecure_port(address)
        )
        self._ports = (grpc_port, self._ports[1])
        self._rpc.start()
        self._thread.start()
        self._ready.wait()
        if self._failed is not None:
            self._stop_grpc()
            raise self._failed
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leaving.set()
        self._stop_grpc()
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _stop_grpc(self) -> None:
        self._rpc.stop(None).wait()
        self._workers.shutdown()

    def _run(self) -> None:
        self._loop = asyncio.new_event_loop()
        try:
            self._loop.run_until_complete(self._serve_http())
        except OSError as error:  # its port is taken
            self._failed = error
        finally:
            self._loop.close()
            self._ready.set()

    async def _serve_http(self) -> None:
        self._stop = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        context = http_context(self._tls) if self._tls else None
        listener = await asyncio.start_server(
            self._connected, _LOOPBACK, self._ports[1], limit=1 << 20, backlog=1024, ssl=context
        )
        self._ports = (self._ports[0], listener.sockets[0].getsockname()[1])
        self._ready.set()
        await self._stop.wait()
        listener.close()
        for connection in [*self._connections]:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _outcome(self) -> Failure | None:
        with self._lock:
            self.requests += 1
            return self.fails or self._failure(self.requests)

    def _infer(self, request: Any, context: Any) -> Any:
        self.deadlines_s.append(context.time_remaining())
        self.headers.append(dict(context.invocation_metadata()))
        self.callers.append(b"".join(context.auth_context().get("x509_common_name", [])).decode())
        failure = self._outcome()
        if self.answer_s:
            self._leaving.wait(self.answer_s)
        if failure:
            context.set_trailing_metadata(tuple(failure.headers.items()))
            context.abort(getattr(grpc.StatusCode, failure.grpc), failure.message)
        images = deserialize_bytes_tensor(request.raw_input_contents[0]).tolist()
        if refused := refusal(images, self._given):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, refused)
        names = [output.name for output in request.outputs]
        outputs = outputs_of(images, names, top_k=self._top_k, given=self._given)
        answer = grpc_codec.INFER.response(model_name=contract.MODEL_NAME, model_version=str(self.release))
        answer.id = request.id if self.echoes else ""
        for name, tensor in outputs.items():
            answer.outputs.add(name=name, datatype=contract.OUTPUTS[name], shape=tensor.shape)
            answer.raw_output_contents.append(raw(tensor))
        return answer

    def _config(self, request: Any, context: Any) -> Any:  # noqa: ARG002  gRPC's form
        return grpc_codec.CONFIG.response()

    def _metadata(self, request: Any, context: Any) -> Any:  # noqa: ARG002  gRPC's form
        self.versions += 1
        return grpc_codec.METADATA.response(name="triton", version=self._version)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  for the type checker
        self._connections.add(task)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {
                    name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)
                }
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                if not head[0].endswith(f"{_CONFIGURATION} HTTP/1.1"):
                    self.headers.append(headers)
                    self.callers.append(common_name(writer.get_extra_info("peercert")))
                writer.write(await self._http_answer(head[0].split(" ")[1], headers, body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _http_answer(self, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        if path == _CONFIGURATION:
            return _http(200, b"{}", {})
        failure = self._outcome()
        if self.answer_s:
            await asyncio.sleep(self.answer_s)
        if failure:
            return _http(failure.http, json.dumps({"error": failure.message}).encode(), failure.headers)
        length = int(headers[http_codec.HEADER_LENGTH.lower()])
        asked = json.loads(body[:length])
        names = [output["name"] for output in asked["outputs"]]
        images = deserialize_bytes_tensor(body[length:]).tolist()
        if refused := refusal(images, self._given):
            return _http(400, json.dumps({"error": refused}).encode(), {})
        outputs = outputs_of(images, names, top_k=self._top_k, given=self._given)
        contents = {name: raw(tensor) for name, tensor in outputs.items()}
        described = [
            {
                "name": name,
                "datatype": contract.OUTPUTS[name],
                "shape": tensor.shape,
                "parameters": {"binary_data_size": len(contents[name])},
            }
            for name, tensor in outputs.items()
        ]
        answer = {"model_version": str(self.release), "outputs": described}
        if self.echoes and asked.get("id"):
            answer["id"] = asked["id"]
        header = json.dumps(answer).encode()
        return _http(200, b"".join([header, *contents.values()]), {http_codec.HEADER_LENGTH: str(len(header))})


def _service(infer: Any, config: Any, metadata: Any) -> Any:
    functions = {grpc_codec.INFER: infer, grpc_codec.CONFIG: config, grpc_codec.METADATA: metadata}
    handlers = {
        method.name: grpc.unary_unary_rpc_method_handler(
            function,
            request_deserializer=method.request.FromString,
            response_serializer=method.response.SerializeToString,
        )
        for method, function in functions.items()
    }
    return grpc.method_handlers_generic_handler("inference.GRPCInferenceService", handlers)


def _http(status: int, body: bytes, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Status", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
