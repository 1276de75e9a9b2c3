"""How a client shows who it is."""

import inspect
import re
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from ..endpoint import Endpoint, is_loopback
from ..errors import PermissionDeniedError
from .headers import NO_HEADERS, SECRET, checked
from .tls import Tls

Token: TypeAlias = Callable[[], str]
AsyncToken: TypeAlias = Callable[[], str | Awaitable[str]]

_TOKEN = re.compile(r"[!-~]+", re.ASCII)
_UNKNOWN = "this client sends no key and no token; give it headers={'x-api-key': KEY} or token=FUNCTION"
_KNOWN = "the server does not take this client's key or token; give it another, or ask whoever runs the server"


class TokenError(PermissionDeniedError):
    """The caller's own function gave no token. Nobody was asked, so it says nothing of a server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What goes with every request of a client, to whomever it trusts.

    tls:     as for `Client`; None for the system's authorities and no certificate
    token:   gives the bearer token of an attempt, at once: where getting one takes time, it keeps the last
    headers: of every request
    plaintext_secrets: whether a token, a key or a cookie may go where everybody on the way can read it

    Raises:
        ValueError: a header cannot be sent, or both it and `token` say `authorization`.
    """

    tls: Tls | None = None
    token: AsyncToken | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    plaintext_secrets: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "headers", checked(self.headers))
        self._check_authorization(self.headers)

    def check(self, endpoints: Collection[Endpoint], headers: Mapping[str, str] = NO_HEADERS) -> None:
        """Refuse to leave out TLS that was asked for, or to send a secret in plain.

        headers: of single requests, beside the client's own

        Raises:
            ValueError: `tls` is given and a server is not spoken to through TLS; or it is not on this machine either,
                and there is a secret; or `token` and a header both say `authorization`.
        """
        self._check_authorization(headers)
        for endpoint in endpoints:
            if self.tls and not endpoint.secure:
                raise ValueError(f"tls is given, and {endpoint} is spoken to in plain; use grpcs:// or https://")
        names = sorted(SECRET & {*self.headers, *headers})
        secrets = ["the token"] * (self.token is not None) + [f"the header {name}" for name in names]
        if self.plaintext_secrets or not secrets:
            return
        for endpoint in endpoints:
            if not (endpoint.secure or is_loopback(endpoint.host)):
                raise ValueError(
                    f"{secrets[0]} would go to {endpoint} in plain; use grpcs:// or https://, "
                    "or say plaintext_secrets=True where the network itself is secret"
                )

    def _check_authorization(self, headers: Mapping[str, str]) -> None:
        if self.token is not None and "authorization" in headers:
            raise ValueError("token and the header authorization are the same thing; give one of them")

    def headers_with(self, more: Mapping[str, str]) -> Mapping[str, str]:
        """The headers of one attempt; the token is asked for now.

        Raises:
            TokenError: there is none.
        """
        if self.token is None:
            return {**self.headers, **more}
        with _explained():
            token = self.token()
        if inspect.isawaitable(token):
            _dispose(token)
            raise TokenError("token gives something to await, which only AsyncClient does")
        return {**self.headers, **more, **_bearer(token)}

    async def async_headers_with(self, more: Mapping[str, str]) -> Mapping[str, str]:
        """The same for a client that awaits the token where it must.

        Raises:
            TokenError: there is none.
        """
        if self.token is None:
            return self.headers_with(more)
        with _explained():
            token = self.token()
            if inspect.isawaitable(token):
                token = await token
        return {**self.headers, **more, **_bearer(token)}


NO_ACCESS: Final = Access()


@contextmanager
def advised(headers: Mapping[str, str]) -> Iterator[None]:
    """Let a refusal of a request with these headers say what to do about it."""
    try:
        yield
    except PermissionDeniedError as error:
        advice = _KNOWN if SECRET & {*headers} else _UNKNOWN
        raise PermissionDeniedError(f"{error}; {advice}") from error.__cause__


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise TokenError(f"token gave none: it raised {type(error).__name__}") from error


def _bearer(token: Any) -> Mapping[str, str]:
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise TokenError("token must give visible ASCII without spaces")
    return {"authorization": f"Bearer {token}"}


def _dispose(token: Any) -> None:
    if inspect.iscoroutine(token):
        token.close()
