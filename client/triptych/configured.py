"""What both kinds of client are set to, and views of them with other settings. No I/O."""

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

from . import environment
from .calls.asking import Question, Terms, classifications
from .config import Hedging, Resilience, Retry
from .inputs.sides import Sides
from .results import Classification
from .settings import NOT_GIVEN, FetchUrls, NotGiven, Shrink, given_or
from .transports.access import Access
from .transports.headers import SECRET


class Configured:
    """A client without its calls, which it sets as `_calls`.

    A client is pickled by its settings, so that it can be sent to a process that was started by 'spawn'; there it has
    connections of its own. What cannot be pickled, or must not be, is refused by a TypeError that names it.
    """

    _calls: Any  # Calls or AioCalls
    _given: Mapping[str, Any]  # keywords that are kept as they were given, without defaults

    def __init__(
        self,
        url: str | Sequence[str] | NotGiven,
        access: Access,
        *,
        timeout_s: float | NotGiven,
        top_k: int | NotGiven | None,
        shrink: Shrink | NotGiven,
        fetch_urls: FetchUrls | NotGiven,
        resilience: Resilience | NotGiven,
    ) -> None:
        self._options = environment.options(timeout_s=timeout_s, top_k=top_k, shrink=shrink, fetch_urls=fetch_urls)
        self._policy = environment.resilience(resilience)
        self._endpoints = environment.endpoints(url)
        access.check(self._endpoints)
        self._access = access
        self._sides = Sides()
        self._is_view = False

    def with_options(
        self,
        *,
        timeout_s: float | NotGiven = NOT_GIVEN,
        top_k: int | NotGiven | None = NOT_GIVEN,
        shrink: Shrink | NotGiven = NOT_GIVEN,
        fetch_urls: FetchUrls | NotGiven = NOT_GIVEN,
        headers: Mapping[str, str] | NotGiven = NOT_GIVEN,
        retry: Retry | NotGiven | None = NOT_GIVEN,
        hedging: Hedging | NotGiven | None = NOT_GIVEN,
    ) -> Self:
        """A view of this client with other settings: the same connections, and the same knowledge of the servers.

        It costs nothing to make, for one call or many. Closing it does nothing; closing this client closes it, too.
        `headers` are added to those that there are. Retries and hedges take from the one budget.

        Raises:
            ValueError: a setting is out of range, or a secret would go out in plain.
        """
        view = object.__new__(type(self))
        view.__dict__.update(self.__dict__)
        view._options = self._options.with_changes(
            timeout_s=timeout_s, top_k=top_k, shrink=shrink, fetch_urls=fetch_urls, headers=headers
        )
        self._access.check(self._endpoints, view._options.headers)
        if not (isinstance(retry, NotGiven) and isinstance(hedging, NotGiven)):
            retry, hedging = given_or(retry, self._policy.retry), given_or(hedging, self._policy.hedging)
            view._policy = replace(self._policy, retry=retry, hedging=hedging)
            view._calls = replace(self._calls, service=self._calls.service.under(view._policy))
        view._is_view = True
        return view

    def __reduce__(self) -> tuple[object, ...]:
        headers = {**self._access.headers, **self._options.headers}
        if secrets := sorted(SECRET & {*headers}):
            raise TypeError(
                f"this {type(self).__name__} is not pickled, since the header {secrets[0]} is a secret; make the "
                "client in the process that uses it, or give it token=FUNCTION, which is pickled by its name"
            )
        settings = {
            "url": [str(endpoint) for endpoint in self._endpoints],
            "timeout_s": self._options.timeout_s,
            "top_k": self._options.top_k,
            "shrink": self._options.shrink,
            "fetch_urls": self._options.fetching or False,
            "resilience": self._policy,
            "headers": headers,
            "tls": self._access.tls,
            "token": self._access.token,
            "plaintext_secrets": self._access.plaintext_secrets,
            **self._given,
        }
        for name, value in settings.items():
            try:
                pickle.dumps(value)
            except Exception as error:
                raise TypeError(
                    f"this {type(self).__name__} cannot be pickled, since its setting {name} cannot be ({error}); make "
                    "the client in the process that uses it"
                ) from error
        return _made, (type(self), settings)

    def _terms(self, timeout_s: float | None) -> Terms:
        return Terms.of(self._options, timeout_s, self._calls.clock)

    def _classifications(self, top_k: int | None) -> Question[Classification]:
        return classifications(self._options.top_k if top_k is None else top_k)


def given(**values: tuple[object, object]) -> Mapping[str, object]:
    """Return those of these (value, default) that are not the default."""
    return {name: value for name, (value, default) in values.items() if value is not default and value != default}


def _made(kind: type[Configured], settings: Mapping[str, Any]) -> Configured:
    """Return a new client of these settings, where it was pickled."""
    return kind(**settings)
