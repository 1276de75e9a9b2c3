"""What all transports have in common: one server, and what goes with every request to it. No I/O."""

from dataclasses import KW_ONLY, dataclass, field

from ..config import Resilience
from ..endpoint import Endpoint
from .access import NO_ACCESS, Access
from .tls import Material, WatchedTls


@dataclass(eq=False, repr=False)
class Peer:
    """One endpoint, as any transport knows it.

    tls: None for the system's authorities; and after construction, where the endpoint is spoken to in plain
    """

    endpoint: Endpoint
    policy: Resilience = field(default_factory=Resilience)
    _: KW_ONLY
    access: Access = NO_ACCESS
    tls: WatchedTls | None = None

    def __post_init__(self) -> None:
        self.tls = (self.tls or WatchedTls()) if self.endpoint.secure else None

    @property
    def shows_certificate(self) -> bool:
        """Whether a server that wants a certificate gets one."""
        return self.tls is not None and self.tls.shows_certificate

    def material(self) -> Material | None:
        """What new connections set their TLS up with; None without TLS."""
        return self.tls.current() if self.tls else None
