"""The gateway as a process: its event loop, its socket, its signals."""

import asyncio
import contextlib
import logging
import math
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
import uvloop

from triptych import AsyncClient
from triptych.prometheus import PrometheusObserver
from triptych_ops.errors import OpsError

from .app import application
from .metrics import Metrics
from .protocol import GatewayProtocol
from .settings import Settings

_BACKLOG = 1024
_POLL_S = 0.05


def run(settings: Settings, *, started: Callable[[str], None], report: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM, and then finish what is under way.

    started: is told the gateway's URL once it listens
    report:  is told, a line each, what an operator must know

    Raises:
        OpsError: it cannot listen there.
        TriptychError, ValueError: the client cannot be made; see `AsyncClient`.
    """

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await serve(settings, stop=stop, started=started, report=report)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


async def serve(
    settings: Settings, *, stop: asyncio.Event, started: Callable[[str], None], report: Callable[[str], None]
) -> None:
    """Serve until `stop` is set. All else as for `run`."""
    limits, metrics = settings.limits, Metrics()
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # its warnings are about callers
    observer = PrometheusObserver("gateway", registry=metrics.registry)
    async with AsyncClient(settings.urls, timeout_s=limits.timeout_s, observers=[observer]) as client:
        app = application(client, limits, metrics, allow_origins=settings.allow_origins, report=report)
        config = uvicorn.Config(
            app,
            http=GatewayProtocol.within(limits),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=math.ceil(limits.idle_timeout_s),
            timeout_graceful_shutdown=math.ceil(limits.stop_timeout_s),
        )
        with _listening(settings) as listener:
            server = _Server(config)
            serving = asyncio.create_task(server.serve([listener]))
            while not server.started and not serving.done():
                await asyncio.sleep(_POLL_S / 10)
            started(_url(listener))
            await asyncio.wait({serving, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
            server.should_exit = True
            await serving


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `run`."""
        yield


def _listening(settings: Settings) -> socket.socket:
    address = (settings.host, settings.port)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server(address, family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (")[0]
        message = f"cannot listen on {settings.host} port {settings.port}: {reason}; choose another --host or --port"
        raise OpsError(message) from error


def _url(listener: socket.socket) -> str:
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
