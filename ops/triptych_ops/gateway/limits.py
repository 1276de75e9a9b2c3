"""How much the gateway takes, and for how long it waits."""

from dataclasses import dataclass
from typing import Final

from triptych import contract
from triptych_ops.errors import UsageError

_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of one process.

    Raises:
        UsageError: a limit that no request can keep.
    """

    image_bytes: int = contract.MAX_IMAGE_BYTES
    """What a server accepts."""

    body_bytes: int = 64 * _MIB
    """Of a request with several images: 32 photographs of 2 MB."""

    images: int = contract.MAX_BATCH_SIZE
    """Of a request: what a server takes at once."""

    concurrent_images: int = 64
    """Asked about at once: two full batches of a server, of which one waits. One more is told to come later."""

    held_bytes: int = 256 * _MIB
    """Bodies in memory, those still arriving included; each is there two or three times while it is sent on."""

    connections: int = 1024
    """As many as a usual limit of open files lets a process have."""

    head_timeout_s: float = 10.0
    """From a connection's first moment, or a request's first byte, to the end of the request's head."""

    body_timeout_s: float = 30.0
    """From the end of a request's head to that of its body: 64 MiB need 18 Mbit/s."""

    unwanted_body_s: float = 2.0
    """That a body may go on after its answer. Who is cut off at once never reads why."""

    idle_timeout_s: float = 60.0
    """Of a connection without requests."""

    timeout_s: float = 10.0
    """From the whole request to its answer, unless the request says otherwise."""

    longest_timeout_s: float = 60.0
    """The most that a request may say."""

    health_timeout_s: float = 5.0
    """An answer takes a hundredth; a probe that waits longer has given up."""

    health_fresh_s: float = 1.0
    """A verdict is given to everybody who asks within this time."""

    stop_timeout_s: float = 30.0
    """What is under way may take after SIGTERM: as long as Kubernetes waits."""

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not 0 < getattr(self, name) < float("inf"):
                raise UsageError(f"{name} must be more than 0, not {getattr(self, name)}")
        if self.body_bytes < self.image_bytes:
            raise UsageError(f"a body of {self.body_bytes} bytes does not hold an image of {self.image_bytes}")
        if self.held_bytes < self.body_bytes:
            raise UsageError(f"{self.held_bytes} bytes of memory do not hold a body of {self.body_bytes}")
