"""Asks Triton for its statistics: an extension of its protocol (docs/protocol/extension_statistics.md)."""

import json
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final

import grpc
from tritonclient import grpc as triton
from tritonclient.utils import InferenceServerException

from triptych import InvalidUrlError, contract
from triptych.endpoint import Endpoint

from .members import Counters

_TIMEOUT_S: Final = 5.0
_NOT_TOLD = (OSError, HTTPException, ValueError, LookupError, grpc.RpcError, InferenceServerException, InvalidUrlError)


def statistics_of(urls: Sequence[str], *, headers: Mapping[str, str] | None = None) -> Mapping[str, object]:
    """The counters of each member, summed over these servers; empty where one of them does not tell.

    An edge or a gateway does not; behind one address with several servers the answer is of any of them.
    """
    with suppress(*_NOT_TOLD):
        told = [_told(Endpoint.from_url(url), headers or {}) for url in urls]
        return {member: asdict(Counters.sum(each[member] for each in told)) for member in contract.MEMBERS}
    return {}


def _told(endpoint: Endpoint, headers: Mapping[str, str]) -> dict[str, Counters]:
    ask = _by_grpc if endpoint.is_grpc else _by_http
    return {
        member: Counters.of_triton(statistics["model_stats"][0], instances=_instances(config))
        for member, (statistics, config) in ask(endpoint, headers).items()
    }


def _instances(config: Mapping[str, Any]) -> int:
    return max(1, sum(int(group.get("count", 1)) for group in config.get("instance_group", ())))


_Told = dict[str, tuple[dict[str, Any], dict[str, Any]]]


def _by_grpc(endpoint: Endpoint, headers: Mapping[str, str]) -> _Told:
    def ask(member: str) -> tuple[dict[str, Any], dict[str, Any]]:
        given = {"headers": dict(headers), "as_json": True, "client_timeout": _TIMEOUT_S}
        statistics = client.get_inference_statistics(member, **given)
        return statistics, client.get_model_config(member, **given)["config"]

    with closing(triton.InferenceServerClient(endpoint.authority, ssl=endpoint.secure)) as client:
        return {member: ask(member) for member in contract.MEMBERS}


def _by_http(endpoint: Endpoint, headers: Mapping[str, str]) -> _Told:
    def ask(path: str) -> dict[str, Any]:
        connection.request("GET", f"{endpoint.path}/v2/models/{path}", headers=dict(headers))
        answer = connection.getresponse()
        document: dict[str, Any] = json.loads(answer.read())
        return document

    kind = HTTPSConnection if endpoint.secure else HTTPConnection
    with closing(kind(endpoint.host, endpoint.port, timeout=_TIMEOUT_S)) as connection:
        return {member: (ask(f"{member}/stats"), ask(f"{member}/config")) for member in contract.MEMBERS}
