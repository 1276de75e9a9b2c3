"""A server without a model behind a gateway, one of each for all tests here that change nothing."""

from collections.abc import Iterator

import pytest

from gateways import RunningGateway, running
from triptych.testing import FakeServer


@pytest.fixture(scope="package")
def server() -> Iterator[FakeServer]:
    with FakeServer(release=7) as running_server:
        yield running_server


@pytest.fixture(scope="package")
def gateway(server: FakeServer) -> Iterator[RunningGateway]:
    with running(server.http_url) as running_gateway:
        yield running_gateway


@pytest.fixture
def failing(server: FakeServer) -> Iterator[FakeServer]:
    """The server, whose `fails`, `answer_s` and `echoes` the test may set."""
    yield server
    server.fails, server.answer_s, server.echoes = None, 0.0, True
