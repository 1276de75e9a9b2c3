"""What both kinds of client are set to, and views of them with other settings. No I/O."""

import copy
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


class Configured:
    """A client without its calls, which it sets as `_calls`."""

    _calls: Any  # Calls or AioCalls

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
        view = copy.copy(self)
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

    def _terms(self, timeout_s: float | None) -> Terms:
        return Terms.of(self._options, timeout_s, self._calls.clock)

    def _classifications(self, top_k: int | None) -> Question[Classification]:
        return classifications(self._options.top_k if top_k is None else top_k)
