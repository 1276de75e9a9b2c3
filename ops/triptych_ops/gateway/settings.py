"""What a gateway is, before it runs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from triptych.endpoint import is_loopback

from .limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Of one process.

    urls:          of the servers
    port:          0 for any that is free
    allow_origins: other sites whose pages may ask, as `https://shop.example`; `*` for all
    """

    urls: Sequence[str]
    host: str = "127.0.0.1"
    port: int = 8080
    allow_origins: Sequence[str] = ()
    limits: Limits = field(default_factory=Limits)

    @property
    def on_loopback(self) -> bool:
        """Whether this machine alone can reach it."""
        return is_loopback(self.host)
