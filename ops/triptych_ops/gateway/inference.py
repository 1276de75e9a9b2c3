"""`POST /classify` and `POST /embed`: images in, JSON out."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from starlette.types import Receive, Scope, Send

from triptych import AsyncClient, Classification, Embedding, ImageError, image_formats

from . import answers, caller
from .admission import Admission, Held
from .exchange import Exchange, send_json
from .limits import Limits
from .parameters import REQUEST_ID_HEADER, Parameters, parameters
from .problems import TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, failed
from .uploads import File, Upload

Result = TypeVar("Result", Classification, Embedding)

IMAGE_TYPES: Final = (*image_formats.MIME_TYPES, "application/octet-stream")
FORM_TYPE: Final = "multipart/form-data"
_ACCEPTED: Final = ", ".join((*IMAGE_TYPES, FORM_TYPE))


@dataclass(frozen=True, slots=True)
class Question(Generic[Result]):
    """What is asked of the server, for one image or several, and how the result is told."""

    one: Callable[[AsyncClient, bytes, Parameters], Awaitable[Result]]
    several: Callable[[AsyncClient, Sequence[bytes], Parameters], AsyncIterator[Result | ImageError]]
    document: Callable[[Result], dict[str, Any]]


CLASSIFY: Final[Question[Classification]] = Question(
    lambda client, image, asked: client.classify(image, top_k=asked.top_k, timeout_s=asked.timeout_s),
    lambda client, images, asked: client.classify_many(images, top_k=asked.top_k, timeout_s=asked.timeout_s),
    answers.of_classification,
)
EMBED: Final[Question[Embedding]] = Question(
    lambda client, image, asked: client.embed(image, timeout_s=asked.timeout_s),
    lambda client, images, asked: client.embed_many(images, timeout_s=asked.timeout_s),
    answers.of_embedding,
)


class Inference(Generic[Result]):
    """An ASGI application that answers one question."""

    def __init__(
        self, question: Question[Result], *, client: AsyncClient, admission: Admission, limits: Limits
    ) -> None:
        self._question: Question[Result] = question
        self._client = client
        self._admission = admission
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            ProblemError: it cannot be understood, or there is no room for it.
            TriptychError: the server cannot be asked, or cannot classify the image.
            GoneError: nobody waits for the answer.
        """
        exchange = Exchange.of(scope)
        asked = parameters(scope["query_string"], exchange.headers, self._limits)
        content_type = exchange.headers.get(b"content-type", b"application/octet-stream").decode("latin-1")
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type != FORM_TYPE and media_type not in IMAGE_TYPES:
            detail = f"a body is {_ACCEPTED}, not {media_type[:100]!r}; say which by Content-Type"
            raise failed(UNSUPPORTED_MEDIA_TYPE, detail, headers={"Accept-Post": _ACCEPTED})
        encoding = exchange.headers.get(b"content-encoding", b"").decode("latin-1").strip().lower()
        if encoding not in ("", "identity"):
            detail = f"a body is taken as it is, not with the Content-Encoding {encoding[:100]!r}; send it uncompressed"
            # The status and the header of RFC 9110, section 15.5.16.
            raise failed(UNSUPPORTED_MEDIA_TYPE, detail, headers={"Accept-Encoding": "identity"})
        self._admission.check()
        with self._admission.holding() as held:
            if media_type == FORM_TYPE:
                document = await self._several(exchange, receive, held, asked, content_type)
            else:
                document = await self._one(exchange, receive, held, asked)
        await send_json(send, document)

    async def _one(self, exchange: Exchange, receive: Receive, held: Held, asked: Parameters) -> dict[str, Any]:
        pieces: list[bytes] = []
        await self._read(exchange, receive, pieces.append, held, limit_bytes=self._limits.image_bytes)
        image = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        del pieces  # or it would be held twice
        return await self._answer(exchange, image, asked)

    async def _several(
        self, exchange: Exchange, receive: Receive, held: Held, asked: Parameters, content_type: str
    ) -> dict[str, Any]:
        upload = Upload(content_type, self._limits)
        await self._read(exchange, receive, upload.take, held, limit_bytes=self._limits.body_bytes)
        files = upload.files()
        if len(files) > 1:
            return await self._answers(exchange, files, asked)
        if files[0].too_large:
            raise failed(TOO_LARGE, self._too_large().message)
        return await self._answer(exchange, files[0].joined(), asked)

    async def _read(
        self, exchange: Exchange, receive: Receive, take: Callable[[bytes], None], held: Held, *, limit_bytes: int
    ) -> None:
        timeout_s = self._limits.body_timeout_s
        try:
            await caller.read(exchange.headers, receive, take, limit_bytes=limit_bytes, held=held, timeout_s=timeout_s)
        finally:
            exchange.body_bytes = held.count

    async def _answer(self, exchange: Exchange, image: bytes, asked: Parameters) -> dict[str, Any]:
        exchange.images = 1
        with self._admission.asking(1), exchange.connection.waiting():
            result = await self._question.one(self._client_for(exchange), image, asked)
        if not exchange.named:
            exchange.request_id = result.request_id
        return self._question.document(result)

    async def _answers(self, exchange: Exchange, files: Sequence[File], asked: Parameters) -> dict[str, Any]:
        exchange.images = len(files)
        images = [file.joined() for file in files if not file.too_large]
        with self._admission.asking(len(files)), exchange.connection.waiting():
            several = self._question.several(self._client_for(exchange), images, asked)
            entries = iter([self._entry(result) async for result in several])
        refused = answers.of_failure(self._too_large())
        return answers.of_several(
            [file.name for file in files], [refused if file.too_large else next(entries) for file in files]
        )

    def _entry(self, result: Result | ImageError) -> dict[str, Any]:
        return answers.of_failure(result) if isinstance(result, ImageError) else self._question.document(result)

    def _client_for(self, exchange: Exchange) -> AsyncClient:
        if not exchange.named:
            return self._client
        return self._client.with_options(headers={REQUEST_ID_HEADER: exchange.request_id})

    def _too_large(self) -> ImageError:
        message = f"the image has more than {self._limits.image_bytes} bytes, the most that is accepted"
        return ImageError("image_too_large", message, source="image")
