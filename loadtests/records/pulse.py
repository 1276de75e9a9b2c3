"""How a generator process itself was doing, second by second."""

from typing import NamedTuple


class Pulse(NamedTuple):
    """One second of one generator process.

    at_s:          when, since the run's beginning
    cpu_share:     of one core that the process took
    machine_share: of all cores that everybody took, the generator included
    lag_s:         how late it was, on average, with what was due at a moment: it sees answers as late as that
    in_flight:     requests under way at the end of it
    sent, dropped: requests in it
    """

    at_s: float
    cpu_share: float
    machine_share: float
    lag_s: float
    in_flight: int
    sent: int
    dropped: int
