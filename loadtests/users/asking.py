"""Requests of an event loop, through the SDK's asynchronous client."""

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol

from loadtests.pictures import Picture
from triptych import TriptychError

from .known_answers import KnownAnswers
from .outcomes import Asked, of_answers, of_failure
from .target import Target


class Asker(Protocol):
    """Whoever sends requests, and says what came of them."""

    async def ask(self, pictures: Sequence[Picture]) -> Asked:
        """Send one request with these pictures, and wait for its end; never raises for what a server does."""


class SdkAsker:
    """Asks through the SDK. An asynchronous context manager."""

    def __init__(self, target: Target) -> None:
        self._client = target.async_client()
        self._known = KnownAnswers()

    async def __aenter__(self) -> "SdkAsker":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._client.close()

    async def ask(self, pictures: Sequence[Picture]) -> Asked:
        """Send one request with these pictures, and wait for its end; never raises for what a server does."""
        try:
            if len(pictures) == 1:
                answer = await self._client.classify(pictures[0].data)
                return of_answers((answer,), pictures, known=self._known)
            images = [picture.data for picture in pictures]
            answers = [
                answer async for answer in self._client.classify_many(images, batch_size=len(images), concurrency=1)
            ]
            return of_answers(answers, pictures, known=self._known)
        except TriptychError as error:
            return of_failure(error, pictures)
