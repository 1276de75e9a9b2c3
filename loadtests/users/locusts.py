"""Users of Locust that ask through the SDK: subclass one, and say in its tasks what such a user does.

    class Visitor(GrpcUser):
        wait_time = between(1, 3)

        @task
        def look_something_up(self) -> None:
            self.classify()

Each request fires one event of Locust, whose context has its `Sample`.
"""

from collections.abc import Sequence
from itertools import islice
from typing import ClassVar

import grpc.experimental.gevent as grpc_gevent
from locust import User, events
from locust.env import Environment

from loadtests.pictures import MixDescription, Picture
from loadtests.records.sample import GOOD, Sample
from triptych import InvalidUrlError, TriptychError
from triptych.calls.batches import DEFAULT_SIZE

from .outcomes import Asked, of_answers, of_failure
from .recording import STAGE, listen
from .shared import Shared, headers_of
from .target import Protocol, Target

# Before the first channel: else each call of gRPC blocks all greenlets.
grpc_gevent.init_gevent()

listen(events)


class WrongAnswerError(Exception):
    """A request that ended otherwise than it should have, without an error of the SDK."""


class ImageUser(User):
    """Asks a server of image classification. Its users share one client a process.

    mix:       what it sends
    timeout_s: that one request may take
    """

    abstract = True
    protocol: ClassVar[Protocol]
    mix: ClassVar[MixDescription] = MixDescription()
    timeout_s: ClassVar[float] = 10.0

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        shared = Shared.of(environment)
        self._client = shared.client(self._target())
        self._pictures = shared.pictures(type(self).mix)
        self._known = shared.known_answers
        self._clock = shared.clock

    def classify(self, images: int = 1, *, intended_s: float | None = None) -> str:
        """Classify so many pictures in one request; the sample's code.

        intended_s: when it should have been sent, of `now_s`; None: now
        """
        pictures = list(islice(self._pictures, images))
        sent_s = self._clock()
        asked, error = self._asked(pictures)
        done_s = self._clock()
        name = pictures[0].name if images == 1 else f"{images} pictures"
        sent_bytes = sum(len(picture.data) for picture in pictures)
        due_s = sent_s if intended_s is None else intended_s
        sample = Sample(
            STAGE, self.protocol, name, asked.code, asked.release, images, sent_bytes, due_s, sent_s, done_s
        )
        self.environment.events.request.fire(
            request_type=self.protocol,
            name=name,
            response_time=sample.latency_s * 1000,
            response_length=0,
            exception=error,
            context={"sample": sample},
        )
        return asked.code

    def now_s(self) -> float:
        """Seconds since this process took up the test."""
        return self._clock()

    def _target(self) -> Target:
        """Whom it asks.

        Raises:
            InvalidUrlError: its host cannot be read, or speaks another protocol.
        """
        headers = headers_of(self.environment)
        target = Target.at([str(self.host)], rest=self.protocol == "rest", timeout_s=self.timeout_s, headers=headers)
        if target.protocol != self.protocol:
            raise InvalidUrlError(f"{type(self).__name__} speaks {self.protocol}, not what is at {self.host}")
        return target

    def _asked(self, pictures: Sequence[Picture]) -> tuple[Asked, Exception | None]:
        try:
            if len(pictures) == 1:
                asked = of_answers((self._client.classify(pictures[0].data),), pictures, known=self._known)
            else:
                images = [picture.data for picture in pictures]
                answers = list(self._client.classify_many(images, batch_size=min(len(images), DEFAULT_SIZE)))
                asked = of_answers(answers, pictures, known=self._known)
        except TriptychError as error:
            asked = of_failure(error, pictures)
            return asked, None if asked.code in GOOD else error
        return asked, None if asked.code in GOOD else WrongAnswerError(asked.code)


class GrpcUser(ImageUser):
    """Asks Triton over gRPC."""

    abstract = True
    protocol = "grpc"
    host = "grpc://localhost:8001"


class HttpUser(ImageUser):
    """Asks Triton over HTTP."""

    abstract = True
    protocol = "http"
    host = "http://localhost:8000"


class RestUser(ImageUser):
    """Asks a gateway over REST."""

    abstract = True
    protocol = "rest"
    host = "http://localhost:8080"
