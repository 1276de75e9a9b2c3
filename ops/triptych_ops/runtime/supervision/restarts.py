"""When to replace what failed, and when to give up. Pure: the clock is data.

The first replacement is immediate. The n-th within the window waits

    min(longest_s, base_s * 2 ** (n - 2)) * (0.5 + draw / 2)        draw uniform in [0, 1)

and there is none when `limit` of them began within `window_s`, or `limit` in a row never served: as systemd's
StartLimitBurst and StartLimitIntervalSec, what goes on to fail is left to whoever started us.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """How patient a supervisor is."""

    base_s: float = 0.5
    longest_s: float = 15.0  # a full disk that is emptied is noticed soon
    limit: int = 10  # over a minute of attempts where each fails at once
    window_s: float = 180.0


@dataclass(frozen=True, slots=True)
class Restarts:
    """The replacements of one thing until now.

    begun_s:  when each began that is still in the window
    unserved: how many of the last ones in a row never served
    """

    policy: RestartPolicy = RestartPolicy()
    begun_s: tuple[float, ...] = ()
    unserved: int = 0

    def exhausted(self, now_s: float) -> bool:
        """Whether it is time to give up."""
        return max(len(self._recent(now_s)), self.unserved) >= self.policy.limit

    def delay_s(self, now_s: float, *, draw: float) -> float:
        """How long to wait before the next; `draw` is a random number in [0, 1)."""
        earlier = max(len(self._recent(now_s)), self.unserved)
        if not earlier:
            return 0.0
        return min(self.policy.longest_s, self.policy.base_s * 2.0 ** (earlier - 1)) * (0.5 + draw / 2)

    def begin(self, now_s: float) -> "Restarts":
        """A replacement begins."""
        return replace(self, begun_s=(*self._recent(now_s), now_s), unserved=self.unserved + 1)

    def served(self) -> "Restarts":
        """The last replacement serves."""
        return replace(self, unserved=0)

    def _recent(self, now_s: float) -> tuple[float, ...]:
        return tuple(begun_s for begun_s in self.begun_s if now_s - begun_s < self.policy.window_s)
