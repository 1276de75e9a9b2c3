"""Images fetched from a real web server."""

import io
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from certificates import Authority
from triptych import Client, Fetching, ImageError, contract
from triptych.inputs.http_fetch import fetch
from triptych.inputs.images import Reading, encoded
from triptych.transports import http1

from ..fake_transport import FakeTransport
from ..image_server import ImageServer, Page

HERE = Fetching(private=True)
BODY = b"cat. encoded"
LARGEST = contract.MAX_IMAGE_BYTES


@pytest.fixture
def web() -> Iterator[ImageServer]:
    pages = {
        "/cat.jpg": Page(BODY),
        "/unmeasured.jpg": Page(BODY, measured=False),
        "/empty.jpg": Page(),
        "/gone.jpg": Page(b"<html>", status=404),
        "/moved.jpg": Page(status=302, headers={"Location": "/cat.jpg"}),
        "/nowhere.jpg": Page(status=302),
        "/round.jpg": Page(status=307, headers={"Location": "/round.jpg"}),
        "/to-file.jpg": Page(status=301, headers={"Location": "file:///etc/passwd"}),
        "/trickle.jpg": Page(b"x" * 100, pause_s=0.02),
        "/largest.jpg": Page(b"x" * LARGEST),
        "/too-large.jpg": Page(b"x" * (LARGEST + 1)),
        "/far-too-large.jpg": Page(b"x" * (2 * LARGEST), measured=False),
    }
    with ImageServer(pages) as server:
        yield server


def failure(url: str, policy: Fetching = HERE, *, timeout_s: float = 5.0) -> ImageError:
    with pytest.raises(ImageError) as caught:
        fetch(url, policy, timeout_s=timeout_s)
    return caught.value


@pytest.mark.parametrize("path", ["/cat.jpg", "/unmeasured.jpg", "/moved.jpg"])
def test_an_image_is_fetched(path: str, web: ImageServer) -> None:
    assert fetch(web.url + path, HERE, timeout_s=5.0) == BODY
    path, headers = web.requests[-1]
    assert path.endswith(".jpg")
    assert {"Authorization", "Cookie"} & {*headers} == set()
    assert headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [
        ("/gone.jpg", "fetch_failed", "HTTP 404 Not Found"),
        ("/nowhere.jpg", "fetch_failed", "HTTP 302"),
        ("/round.jpg", "url_refused", "redirects more than 3 times"),
        ("/to-file.jpg", "url_refused", "only http and https"),
        ("/too-large.jpg", "image_too_large", "more than 20971520 bytes"),
        ("/far-too-large.jpg", "image_too_large", "more than 20971520 bytes"),
    ],
)
def test_what_cannot_be_fetched_says_why(path: str, code: str, words: str, web: ImageServer) -> None:
    error = failure(web.url + path)
    assert (error.code, words in error.message) == (code, True)
    assert "\n" not in str(error)


def test_the_largest_image_is_fetched(web: ImageServer) -> None:
    assert len(fetch(f"{web.url}/largest.jpg", HERE, timeout_s=5.0)) == LARGEST


@pytest.mark.parametrize("measured", [True, False], ids=["with a length", "to the end of the connection"])
def test_a_photograph_above_the_servers_limit_is_fetched_to_be_shrunk(measured: bool, web: ImageServer) -> None:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (5200, 4400, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=0)
    assert len(buffer.getvalue()) > http1.MAX_BODY_BYTES  # more than any other answer of HTTP may have
    web.add("/photograph.png", Page(buffer.getvalue(), measured=measured))
    url = f"{web.url}/photograph.png"
    small, source = encoded(url, reading=Reading(side=64, fetching=HERE, timeout_s=20.0))
    with Image.open(io.BytesIO(small)) as image:
        assert (min(image.size), source) == (64, url)
    with pytest.raises(ImageError, match=r"accepted|Content-Length"):
        encoded(url, reading=Reading(fetching=HERE, timeout_s=20.0))


def test_what_is_fetched_to_be_shrunk_has_a_bound(web: ImageServer) -> None:
    with pytest.raises(ImageError, match="more than 1000 bytes, the most that is read to be shrunk") as caught:
        fetch(f"{web.url}/far-too-large.jpg", HERE, timeout_s=5.0, max_bytes=1000)
    assert caught.value.code == "image_too_large"


@pytest.mark.parametrize(("policy_s", "timeout_s"), [(0.2, 5.0), (5.0, 0.2)])
def test_an_answer_that_trickles_ends_at_the_deadline(policy_s: float, timeout_s: float, web: ImageServer) -> None:
    started = time.monotonic()
    error = failure(f"{web.url}/trickle.jpg", Fetching(private=True, timeout_s=policy_s), timeout_s=timeout_s)
    assert time.monotonic() - started < 0.25
    assert (error.code, error.message) == ("fetch_failed", "it did not answer within 0.2 s")


def test_a_server_that_is_silent_ends_at_the_deadline(black_hole: str) -> None:
    assert failure(f"http://{black_hole}/", timeout_s=0.1).code == "fetch_failed"


def test_where_nobody_answers_it_is_said(nobody: str) -> None:
    assert "refused" in failure(f"http://{nobody}/").message


def test_what_is_no_http_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH\r\n")
                connection.recv(1000)

        thread = threading.Thread(target=answer)
        thread.start()
        error = failure(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        thread.join()
    assert (error.code, "cannot be fetched" in error.message) == ("fetch_failed", True)


def test_a_server_of_a_private_network_is_not_even_connected_to(web: ImageServer) -> None:
    for url in (f"{web.url}/cat.jpg", f"{web.url}/cat.jpg".replace("127.0.0.1", "localhost")):
        error = failure(url, Fetching())
        assert (error.code, "private network" in error.message) == ("url_refused", True)
    assert web.requests == []


def test_a_name_is_judged_by_its_address_and_redirects_are_judged_again(web: ImageServer) -> None:
    """A public server that redirects inside; what was checked is what is connected to."""
    web.add("/inside.jpg", Page(status=302, headers={"Location": "http://inside.example/cat.jpg"}))
    port = int(web.url.rpartition(":")[2])
    asked: list[str] = []

    def lookup(host: str, port_: int, *, timeout_s: float) -> Sequence[tuple[str, int]]:
        assert timeout_s > 0
        asked.append(host)
        return [("10.0.0.1", port_)]

    with pytest.raises(ImageError, match="private network") as caught:
        fetch(f"http://public.example:{port}/inside.jpg", Fetching(), timeout_s=1.0, lookup=lookup)
    assert (caught.value.code, asked) == ("url_refused", ["public.example"])
    names = {"public.example": "127.0.0.1", "inside.example": "127.0.0.1"}
    body = fetch(
        f"http://public.example:{port}/moved.jpg",
        HERE,
        timeout_s=1.0,
        lookup=lambda host, port_, **_: [(names[host], port_)],
    )
    assert body == BODY
    assert web.requests[-1][1]["Host"] == f"public.example:{port}"


def test_a_certificate_is_checked_against_the_system_s_authorities(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path, "authority")
    pages = {"/cat.jpg": Page(BODY), "/down.jpg": Page(status=302, headers={"Location": "http://127.0.0.1/cat.jpg"})}
    with ImageServer(pages, certificate=authority.issue("web")) as web:
        error = failure(f"{web.url}/cat.jpg")
        assert (error.code, "certificate verify failed" in error.message) == ("fetch_failed", True)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        assert fetch(f"{web.url}/cat.jpg", HERE, timeout_s=5.0) == BODY
        wrong_name = failure(f"{web.url}/cat.jpg".replace("127.0.0.1", "localhost"))
        assert (wrong_name.code, "certificate verify failed" in wrong_name.message) == ("fetch_failed", True)
        assert "from https to http" in failure(f"{web.url}/down.jpg").message


def test_a_client_fetches_only_where_it_is_told_to(web: ImageServer, transport: FakeTransport) -> None:
    url = f"{web.url}/cat.jpg?signature=secret"
    web.add("/cat.jpg?signature=secret", Page(BODY))
    with Client(connect=lambda _: transport) as client:
        with pytest.raises(ImageError, match="fetch_urls=True") as caught:
            client.classify(url)
        assert (caught.value.code, caught.value.source) == ("url_refused", f"{web.url}/cat.jpg?…")
        with pytest.raises(ImageError, match="private network"):
            client.with_options(fetch_urls=True).classify(url)
        assert web.requests == []
        result = client.with_options(fetch_urls=HERE).classify(url)
    assert (result.top.label, result.source) == ("cat.", f"{web.url}/cat.jpg?…")
    assert transport.requests[0].images == (BODY,)


def test_one_url_that_fails_leaves_the_others_of_its_request_alone(web: ImageServer, transport: FakeTransport) -> None:
    with Client(connect=lambda _: transport, fetch_urls=Fetching(private=True, timeout_s=0.3)) as client:
        images = [f"{web.url}/{name}.jpg" for name in ("cat", "trickle", "gone", "empty", "cat")]
        started = time.monotonic()
        results = list(client.classify_many(images))
    assert time.monotonic() - started < 0.5
    codes = [item.code if isinstance(item, ImageError) else item.top.label for item in results]
    assert codes == ["cat.", "fetch_failed", "fetch_failed", "empty_image", "cat."]
    assert [item.index for item in results] == [0, 1, 2, 3, 4]


def test_fetching_takes_half_of_the_call_s_time_at_most(web: ImageServer, transport: FakeTransport) -> None:
    with Client(connect=lambda _: transport, fetch_urls=HERE) as client:
        with pytest.raises(ImageError, match=r"within 0\.[12]\d* s"):
            client.classify(f"{web.url}/trickle.jpg", timeout_s=0.4)
        client.classify(f"{web.url}/cat.jpg", timeout_s=0.4)
    assert 0 < transport.requests[0].timeout_s < 0.4
