"""Time that passes when somebody sleeps."""


class Clock:
    """Seconds since some moment; sleeping is instant, and remembered."""

    def __init__(self) -> None:
        self.time_s = 1000.0
        self.slept_s: list[float] = []

    def now(self) -> float:
        return self.time_s

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.slept_s.append(seconds)
        self.time_s += seconds
