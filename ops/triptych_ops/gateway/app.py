"""The ASGI application: routes, and what surrounds every one of them."""

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Final

from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from triptych import AsyncClient, TriptychError

from . import openapi, pages, parameters, verdict
from .admission import Admission
from .caller import Connection, GoneError
from .exchange import Exchange
from .inference import CLASSIFY, EMBED, Inference
from .limits import Limits
from .metrics import CLIENT_GONE, UNMATCHED, Metrics
from .problems import INTERNAL, METHOD_NOT_ALLOWED, NOT_FOUND, STOPPING, Problem, ProblemError, of_error

_OF_ROUTING: Final = {HTTPStatus.NOT_FOUND: NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED: METHOD_NOT_ALLOWED}
_REQUEST_ID: Final = parameters.REQUEST_ID_HEADER.encode()
_NO_SNIFFING: Final = (b"x-content-type-options", b"nosniff")


def application(
    client: AsyncClient,
    limits: Limits,
    metrics: Metrics,
    *,
    allow_origins: Sequence[str] = (),
    report: Callable[[str], None],
) -> ASGIApp:
    """The gateway to `client`'s servers.

    allow_origins: of other sites, whose pages may ask; `*` for all
    report:        is told, a line each, what an operator must know
    """
    admission = Admission(limits)
    verdicts = verdict.Verdicts(client, limits, report=report)

    async def health(_: Request) -> Response:
        found = await verdicts.current()
        if not found.ok:
            raise ProblemError(verdict.problem(found))
        return JSONResponse(verdict.document(found), headers={"Cache-Control": "no-store"})

    async def life(_: Request) -> Response:
        return JSONResponse({"ok": True}, headers={"Cache-Control": "no-store"})

    async def exposition(request: Request) -> Response:
        content, media_type = metrics.exposed(request.headers.get("accept", ""))
        return Response(content, headers={"Content-Type": media_type})

    document = openapi.document(limits)
    routes = [
        Route("/classify", Inference(CLASSIFY, client=client, admission=admission, limits=limits), methods=["POST"]),
        Route("/embed", Inference(EMBED, client=client, admission=admission, limits=limits), methods=["POST"]),
        Route("/healthz", health),
        Route("/livez", life),
        Route("/metrics", exposition),
        *pages.routes(document),
    ]
    app: ASGIApp = Gateway(Router(routes, redirect_slashes=False), metrics, report=report)
    if allow_origins:
        app = CORSMiddleware(
            app,
            allow_origins=allow_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Content-Type", parameters.REQUEST_ID_HEADER, parameters.TIMEOUT_HEADER],
            expose_headers=[parameters.REQUEST_ID_HEADER, "Retry-After"],
        )
    return app


class Gateway:
    """Gives every request an identity, a problem for each error, and its place in the metrics."""

    def __init__(
        self,
        router: Router,
        metrics: Metrics,
        *,
        report: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._router = router
        self._metrics = metrics
        self._report = report
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = dict(scope["headers"])
        given = parameters.request_id(headers)
        exchange = Exchange(
            headers, given or uuid.uuid4().hex, named=given is not None, connection=Connection.of(scope)
        )
        exchange.lay(scope)
        scope["app"] = self  # Starlette then raises what it would answer itself
        began, status, sent_bytes = self._clock(), CLIENT_GONE, 0

        async def sending(message: Message) -> None:
            nonlocal status, sent_bytes
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (_REQUEST_ID, exchange.request_id.encode()),
                    _NO_SNIFFING,
                ]
            else:
                sent_bytes += len(message.get("body", b""))
            await send(message)

        self._metrics.begin()
        try:
            await self._router(scope, receive, sending)
        except GoneError:
            pass
        except (Exception, asyncio.CancelledError) as error:
            if status != CLIENT_GONE:  # half an answer was sent
                raise
            await _answer(self._problem(error, exchange), exchange, sending)
        finally:
            route = scope.get("route")
            self._metrics.end(
                exchange,
                route=route.path if isinstance(route, Route) else UNMATCHED,
                method=scope["method"],
                status=status,
                seconds=self._clock() - began,
                sent_bytes=sent_bytes,
            )

    def _problem(self, error: BaseException, exchange: Exchange) -> Problem:
        if isinstance(error, ProblemError):
            return error.problem
        if isinstance(error, TriptychError):
            return of_error(error)
        if isinstance(error, HTTPException) and error.status_code in _OF_ROUTING:
            kind, headers = _OF_ROUTING[HTTPStatus(error.status_code)], error.headers or {}
            detail = f"it takes {headers['Allow']}" if "Allow" in headers else "/docs tells what there is"
            return Problem(kind=kind, detail=detail, headers=headers)
        if isinstance(error, asyncio.CancelledError):
            return Problem(kind=STOPPING, detail="the gateway stopped before there was an answer; ask again")
        self._report(f"request {exchange.request_id} failed inside the gateway: {error!r}")
        return Problem(kind=INTERNAL, detail="the gateway failed; its operator finds the request by its id")


async def _answer(problem: Problem, exchange: Exchange, send: Send) -> None:
    body = problem.body(exchange.request_id)
    headers = {**problem.all_headers, "Content-Length": str(len(body))}
    if b"expect" in exchange.headers and not exchange.body_bytes:  # whether the body still comes is anybody's guess
        headers["Connection"] = "close"
    lines = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.kind.status, "headers": lines})
    await send({"type": "http.response.body", "body": body})
