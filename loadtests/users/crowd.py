"""An open loop among Locust's users: a crowd, of whom somebody asks every now and then, however long others wait."""

from typing import ClassVar, Final

import gevent
from gevent.pool import Pool
from locust import task
from locust.env import Environment

from loadtests.arrivals import intended_times_s
from loadtests.profiles import Arrivals

from .locusts import ImageUser
from .shared import Shared

_AHEAD_S: Final = 60.0  # that arrivals are drawn for at once


class Crowd(ImageUser):
    """One user of Locust that stands for many: requests come at `arrivals`, by Poisson's process unless told otherwise.

    Each more such user brings as many again, and several Poisson processes together are one. So `--users` is the load
    in units of `arrivals`, wherever its workers run. Latency counts from the intended time; Locust's timers are good
    to a millisecond.

    most_under_way: requests at once; what comes then waits for its turn, and its waiting counts
    """

    abstract = True
    only_when_picked: ClassVar[bool] = True  # its load is another kind of number than that of users who wait
    arrivals: ClassVar[Arrivals] = Arrivals(10.0)
    most_under_way: ClassVar[int] = 512

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._seed = Shared.of(environment).next_seed()
        self._under_way = Pool(self.most_under_way)

    @task
    def come_and_go(self) -> None:
        """Send what comes within a minute."""
        begins_s = self.now_s()
        self._seed = (*self._seed, 0)
        for offset_s in intended_times_s(self.arrivals, seconds=_AHEAD_S, seed=self._seed).tolist():
            intended_s = begins_s + offset_s
            gevent.sleep(max(0.0, intended_s - self.now_s()))
            self._under_way.spawn(self.classify, intended_s=intended_s)
        gevent.sleep(max(0.0, begins_s + _AHEAD_S - self.now_s()))

    def on_stop(self) -> None:
        """Wait for what is under way."""
        self._under_way.join()
