import socket

import pytest

from triptych_ops.errors import OpsError, UsageError
from triptych_ops.runtime import Ports


def test_free_ports_differ_and_can_be_opened() -> None:
    ports = Ports.free()
    assert len({ports.http, ports.grpc, ports.metrics}) == 3
    ports.check()


@pytest.mark.parametrize("name", ["http", "grpc", "metrics"])
def test_a_busy_port_is_named_with_its_flag(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        number = busy.getsockname()[1]
        free = Ports.free()
        ports = Ports(**{"http": free.http, "grpc": free.grpc, "metrics": free.metrics, name: number})
        with pytest.raises(OpsError, match=rf"port {number} is in use; choose another with --{name}-port"):
            ports.check()


def test_equal_ports_are_a_usage_error() -> None:
    with pytest.raises(UsageError, match="must differ"):
        Ports(http=9000, grpc=9001, metrics=9000).check()


def test_urls_are_what_the_sdk_takes() -> None:
    ports = Ports(1, 2, 3)
    assert (ports.http_url, ports.grpc_url) == ("http://127.0.0.1:1", "grpc://127.0.0.1:2")
    assert ports.metrics_url == "http://127.0.0.1:3/metrics"
