"""Every error that the SDK raises.

    TriptychError
    +-- ImageError             this image cannot be classified (missing, empty, damaged, too large ...)
    +-- InvalidUrlError        the server's URL cannot be read
    +-- InvalidSettingError    an environment variable cannot be read
    +-- InvalidUseError        the client cannot be used in this process, or in this event loop
    +-- UnavailableError       nobody answers at that address
    +-- DeadlineExceededError  no answer in time
    +-- OverloadedError        the server takes no more requests now
    +-- TooLargeError          the request is larger than the server or its edge takes
    +-- NotFoundError          the server does not have the model
    +-- PermissionDeniedError  the server refuses this caller
    +-- ProtocolError          the answer does not keep the contract: another server, another model
    +-- ServerError            the server failed inside

Every error of a request tells the `request_id`, the `endpoint` and the `attempts`, as results do.

An error of a lower library is chained as `__cause__`, never passed on as it is. Of a server's words a message
holds one line at most, and never its traceback.
"""

import functools
import typing

IMAGE_CODES: typing.Final = frozenset(
    {
        "missing_file",
        "is_directory",
        "unreadable",
        "unsupported_type",
        "empty_image",
        "not_an_image",
        "corrupt_image",
        "image_too_large",
        "not_finite",
        "url_refused",
        "fetch_failed",
        "rejected",
    }
)
"""The codes of `ImageError` that this version knows; see there."""


class TriptychError(Exception):
    """Base of every error that Triptych raises."""

    retry_after_s: float | None = None
    """Seconds after which the server asked to be asked again; `inf`: not at all; None: it did not say."""

    request_id: str | None = None
    """The id of the last attempt, under which the server logged and traced it; None: no request was sent."""

    endpoint: str | None = None
    """URL of the server of the last attempt; None: no request was sent."""

    attempts: int = 0
    """How often the request was sent."""


class ImageError(TriptychError):
    """One image that cannot be classified.

    code:    one word for programs: `missing_file`, `is_directory`, `unreadable`, `unsupported_type`,
             `empty_image`, `not_an_image`, `corrupt_image`, `image_too_large`, `not_finite`;
             of a URL `url_refused`, `fetch_failed`; `rejected` where a server of another kind gives none
    message: a sentence for people
    source:  which image: its path or URL, or `image I` by its place in the call
    index:   that place, from 0
    """

    def __init__(self, code: str, message: str, *, source: str, index: int = 0) -> None:
        super().__init__(f"{source}: {message} ({code})")
        self.code = code
        self.message = message
        self.source = source
        self.index = index

    def __reduce__(self) -> tuple[object, ...]:
        made = functools.partial(ImageError, self.code, self.message, source=self.source, index=self.index)
        return made, (), self.__dict__

    def to_dict(self) -> dict[str, typing.Any]:
        """Return `code`, `message`, `source`, `index` and what is told of the request, as values that JSON can hold."""
        return {
            "code": self.code,
            "message": self.message,
            "source": self.source,
            "index": self.index,
            "request_id": self.request_id,
            "endpoint": self.endpoint,
            "attempts": self.attempts,
        }


class InvalidUrlError(TriptychError):
    """A server URL that is not `grpc://`, `grpcs://`, `http://`, `https://` or `dns:///` with host and port."""


class InvalidSettingError(TriptychError):
    """A `TRIPTYCH_*` variable of the environment that says nothing of use; the message names it."""


class InvalidUseError(TriptychError):
    """The client cannot be used in this process, or in this event loop; the message says what to do instead.

    It says nothing of a server: none was asked.
    """


class UnavailableError(TriptychError):
    """No server answers at the address, or it is shutting down, or the connection broke."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DeadlineExceededError(TriptychError):
    """The answer did not come within the caller's time."""


class OverloadedError(TriptychError):
    """The server or its edge rejected the request because it is full."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TooLargeError(TriptychError):
    """The request has more bytes than the server or its edge takes: send fewer images at once, or smaller ones."""


class NotFoundError(TriptychError):
    """The server does not serve `image_classifier`."""


class PermissionDeniedError(TriptychError):
    """The server or its edge does not let this caller in."""


class ProtocolError(TriptychError):
    """The answer is not what the contract of `image_classifier` promises."""


class ServerError(TriptychError):
    """The server failed while it worked on the request.

    lasting: a part of the server died, so it fails until it is restarted; another server can answer
    """

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        super().__init__(message)
        self.lasting = lasting
