"""What the Locust users of one process have in common: a client of each target, the pictures, the clock."""

import time
from collections.abc import Iterator
from itertools import count
from weakref import WeakKeyDictionary

from locust.env import Environment

from loadtests.pictures import Mix, MixDescription, Picture
from triptych import Client

from .known_answers import KnownAnswers
from .target import Target


class Shared:
    """One a process, or rather an `Environment` of Locust."""

    def __init__(self, worker: int) -> None:
        self._worker = worker
        self._users = count()
        self._clients: dict[Target, Client] = {}
        self._mixes: dict[MixDescription, Mix] = {}
        self._began = time.monotonic()
        self.known_answers = KnownAnswers()

    @classmethod
    def of(cls, environment: Environment) -> "Shared":
        """That of this environment."""
        if environment not in _OF:
            _OF[environment] = cls(getattr(environment.runner, "worker_index", 0))
        return _OF[environment]

    def begin(self) -> None:
        """A test begins: its times count from now."""
        self._began = time.monotonic()

    def clock(self) -> float:
        """Seconds since then."""
        return time.monotonic() - self._began

    def client(self, target: Target) -> Client:
        """The client that all users of this target share, and its connections."""
        if target not in self._clients:
            self._clients[target] = target.client()
        return self._clients[target]

    def prepare(self, mix: MixDescription) -> None:
        """Make the pictures now, since that takes long."""
        if mix not in self._mixes:
            self._mixes[mix] = mix.made()

    def pictures(self, mix: MixDescription) -> Iterator[Picture]:
        """Pictures without end for one user; each user has its own order."""
        self.prepare(mix)
        return self._mixes[mix].drawn(self.next_seed())

    def next_seed(self) -> tuple[int, ...]:
        """A seed that no other user of this test has."""
        return max(0, self._worker), next(self._users)

    def close(self) -> None:
        """Close the clients."""
        while self._clients:
            self._clients.popitem()[1].close()


def headers_of(environment: Environment) -> dict[str, str]:
    """What `--header` says of every request."""
    given = (environment.parsed_options.header if environment.parsed_options else None) or []
    return {name.strip().lower(): value for name, _, value in (each.partition("=") for each in given)}


_OF: WeakKeyDictionary[Environment, Shared] = WeakKeyDictionary()
