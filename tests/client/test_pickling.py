"""Clients are sent to other processes by their settings."""

import asyncio
import multiprocessing
import pickle
from typing import Any

import pytest

from triptych import AsyncClient, Client, Fetching, Resilience, Retry
from triptych.prometheus import PrometheusObserver
from triptych.testing import FakeServer, label

TOKEN = "secret"  # noqa: S105  of nobody


def token() -> str:
    return TOKEN


def classified(client: Client, image: bytes) -> str:
    return client.classify(image).top.label


def classified_later(client: AsyncClient, image: bytes) -> str:
    return asyncio.run(client.classify(image)).top.label


@pytest.mark.parametrize(("kind", "classify"), [(Client, classified), (AsyncClient, classified_later)])
def test_a_spawned_worker_takes_a_client(kind: type[Any], classify: Any, url: str, server: FakeServer) -> None:
    client = kind(url, headers={"x-team": "vision"}, token=token)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.starmap(classify, [(client, b"image")]) == [label(b"image")]
    assert server.headers[-1]["x-team"] == "vision"
    assert server.headers[-1]["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_client_is_pickled_with_its_settings(kind: type[Any]) -> None:
    client = kind(
        ["dns:///vision:9001", "https://other/prefix"],
        timeout_s=3.0,
        top_k=2,
        fetch_urls=Fetching(redirects=1),
        resilience=Resilience(retry=Retry(attempts=2)),
        headers={"x-team": "vision"},
        plaintext_secrets=True,
    )
    copy = pickle.loads(pickle.dumps(client))  # noqa: S301  our own
    assert type(copy) is kind
    for name in ("_options", "_policy", "_endpoints"):
        of_copy, of_client = getattr(copy, name), getattr(client, name)
        if name == "_options":
            assert {**of_client.headers, "x-team": "vision"} == of_copy.headers | dict(copy._access.headers)
            of_copy, of_client = of_copy.timeout_s, of_client.timeout_s
        assert of_copy == of_client
    assert copy._access == client._access
    assert copy._calls is not client._calls


def test_a_view_is_pickled_as_a_client_of_its_settings(url: str) -> None:
    with Client(url) as client:
        view = client.with_options(top_k=1, headers={"x-team": "vision"})
        copy = pickle.loads(pickle.dumps(view))  # noqa: S301  our own
    with copy:  # closing it closes nothing of the first
        assert len(copy.classify(b"image").predictions) == 1


@pytest.mark.parametrize("header", ["x-api-key", "Authorization", "cookie"])
def test_a_secret_is_not_pickled(header: str) -> None:
    with Client("http://localhost", headers={header: "of mine"}) as client:
        for each in (client, client.with_options(top_k=1)):
            with pytest.raises(TypeError, match=rf"the header {header.lower()} is a secret; make the client") as caught:
                pickle.dumps(each)
            assert "of mine" not in str(caught.value)


def test_what_cannot_be_pickled_is_named() -> None:
    with (
        Client("http://localhost", token=lambda: "secret") as with_token,
        Client("http://localhost", observers=[PrometheusObserver()], clock=lambda: 0.0) as observed,
    ):
        with pytest.raises(TypeError, match=r"its setting token cannot be .*; make the client in the process"):
            pickle.dumps(with_token)
        with pytest.raises(TypeError, match=r"its setting (observers|clock) cannot be"):
            pickle.dumps(observed)
