"""Every error that the SDK raises.

    TriptychError
    +-- ImageError             this image cannot be classified (missing, empty, damaged, too large ...)
    +-- InvalidUrlError        the server's URL cannot be read
    +-- UnavailableError       nobody answers at that address
    +-- DeadlineExceededError  no answer in time
    +-- OverloadedError        the server takes no more requests now
    +-- NotFoundError          the server does not have the model
    +-- PermissionDeniedError  the server refuses this caller
    +-- ProtocolError          the answer does not keep the contract: another server, another model
    +-- ServerError            the server failed inside

An error of a lower library is chained as `__cause__`, never passed on as it is.
"""


class TriptychError(Exception):
    """Base of every error that Triptych raises."""


class ImageError(TriptychError):
    """One image that cannot be classified.

    code:    one word for programs: `missing_file`, `is_directory`, `unreadable`, `unsupported_type`,
             `empty_image`, `not_an_image`, `corrupt_image`, `image_too_large`, `not_finite`;
             `rejected` where a server of another kind gives none
    message: a sentence for people
    source:  which image: its path, or `image I` by its place in the call
    """

    def __init__(self, code: str, message: str, *, source: str) -> None:
        super().__init__(f"{source}: {message} ({code})")
        self.code = code
        self.message = message
        self.source = source


class InvalidUrlError(TriptychError):
    """A server URL that is not `grpc://`, `grpcs://`, `http://` or `https://` with host and port."""


class UnavailableError(TriptychError):
    """No server answers at the address, or it is shutting down."""


class DeadlineExceededError(TriptychError):
    """The answer did not come within the caller's time."""


class OverloadedError(TriptychError):
    """The server or its edge rejected the request because it is full."""


class NotFoundError(TriptychError):
    """The server does not serve `image_classifier`."""


class PermissionDeniedError(TriptychError):
    """The server or its edge does not let this caller in."""


class ProtocolError(TriptychError):
    """The answer is not what the contract of `image_classifier` promises."""


class ServerError(TriptychError):
    """The server failed while it worked on the request."""
