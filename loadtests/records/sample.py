"""One request of a load test, as it is recorded."""

import math
from typing import Final, NamedTuple

OK: Final = "ok"
REFUSED: Final = "refused"
"""An invalid image that the server refused, as it should."""
NOT_REFUSED: Final = "not_refused"
"""An invalid image that was classified."""
MIXED: Final = "mixed"
"""A release answered otherwise than it had before, or two releases answered one request."""
DROPPED: Final = "dropped"
"""Not sent: as many requests as may be were under way."""
GOOD: Final = frozenset({OK, REFUSED})


class Sample(NamedTuple):
    """One request, or one that should have been. Times are seconds since the run's beginning.

    stage:      the name of the profile's stage that it belongs to, by its intended time
    protocol:   `grpc`, `http` or `rest`
    picture:    the name of what was sent, as `jpeg-500x375`
    code:       `ok`, `refused`, `not_refused`, `mixed`, `dropped`, or the SDK's word for its error: `unavailable`,
                `deadline_exceeded`, `overloaded`, `server`, `image`, `protocol` …
    release:    that answered; 0 where no answer says
    images:     in the request
    sent_bytes: of the images
    intended_s: when it should have been sent: by the arrivals; in a closed loop when it was
    sent_s:     when it was; NaN where it was dropped
    done_s:     when the answer, or the failure, had come; NaN where it was dropped
    """

    stage: str
    protocol: str
    picture: str
    code: str
    release: int
    images: int
    sent_bytes: int
    intended_s: float
    sent_s: float
    done_s: float

    @property
    def is_good(self) -> bool:
        """Whether the server did what it should."""
        return self.code in GOOD

    @property
    def has_latency(self) -> bool:
        """Return whether its latency counts among those of good answers.

        The refusal of an invalid image is a good answer, but no work: it comes sooner than any classification.
        """
        return self.code == OK and self.was_sent

    @property
    def was_sent(self) -> bool:
        """Whether it went out at all."""
        return not math.isnan(self.sent_s)

    @property
    def latency_s(self) -> float:
        """From the intended time of sending to the answer: what a user waits, in whom a late sending is not hidden."""
        return self.done_s - self.intended_s

    @property
    def service_s(self) -> float:
        """From the sending to the answer: what a closed loop would see."""
        return self.done_s - self.sent_s

    @property
    def lag_s(self) -> float:
        """How late it was sent: by the generator's own fault, or because too many were under way."""
        return self.sent_s - self.intended_s
