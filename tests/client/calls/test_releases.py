"""What a server tells of its release, and how large a picture it then gets."""

import asyncio
import io
from collections.abc import Mapping
from functools import cache

import pytest
from PIL import Image

from triptych import AsyncClient, Client, DeadlineExceededError, PermissionDeniedError, Release, UnavailableError
from triptych.health import image as health_image
from triptych.inputs.sides import DEFAULT_SIDE, Sides
from triptych.testing import FakeServer
from triptych.transports.transport import InferRequest, InferResponse, InvalidArgumentError

from ..fake_transport import KNOWN, FakeTransport


class Growing(FakeTransport):
    """Serves release 12 until `number` is set; refuses to embed where `embeds` is false."""

    number = 12
    embeds = True
    asked = 0

    def infer(self, request: InferRequest) -> InferResponse:
        if not self.embeds and "EMBEDDING" in request.outputs:
            raise InvalidArgumentError("unexpected inference output 'EMBEDDING'")
        response = super().infer(request)
        return InferResponse(str(self.number), response.outputs, response.request_id)

    def parameters(self, *, timeout_s: float) -> Mapping[str, str]:
        self.asked += 1
        return super().parameters(timeout_s=timeout_s)


def release(number: int = 3, resize: int | tuple[int, int] | None = None) -> Release:
    return Release(
        number=number,
        model_version=str(number),
        endpoint="",
        top_k=5,
        embedding_size=8,
        labels=None,
        resize=resize,
        parameters={},
    )


@cache
def photograph(side: int) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((side, side), 40).save(buffer, "JPEG")
    return buffer.getvalue()


def side_of(body: bytes) -> int:
    with Image.open(io.BytesIO(body)) as image:
        return min(image.size)


def test_a_release_tells_what_its_configuration_and_its_answers_tell(client: Client, transport: FakeTransport) -> None:
    told = {**KNOWN, "labels": "1000", "resize": "256", "precision": "int8"}
    transport.configuration = told
    assert client.release() == Release(
        number=12,
        model_version="12",
        endpoint="grpc://localhost:8001",
        top_k=3,
        embedding_size=4,
        labels=1000,
        resize=256,
        parameters=told,
    )
    assert [request.images for request in transport.requests] == [(health_image(),)]


@pytest.mark.parametrize("error", [PermissionDeniedError("no"), InvalidArgumentError("no")])
def test_a_configuration_that_is_hidden_is_none(
    error: PermissionDeniedError | InvalidArgumentError, client: Client, transport: FakeTransport
) -> None:
    transport.configuration = error
    found = client.release()
    assert (found.number, found.top_k, found.embedding_size) == (12, 3, 4)
    assert (found.labels, found.resize, found.parameters) == (None, None, None)


@pytest.mark.parametrize("text", ["", "many", "-1", "0", "2.5", "1,0", "1,", "1,2,3", "9" * 6000, "٣"])
def test_a_parameter_that_is_no_number_is_not_told(text: str, client: Client, transport: FakeTransport) -> None:
    transport.configuration = {"labels": text, "resize": text}
    found = client.release()
    assert (found.labels, found.resize, found.parameters) == (None, None, {"labels": text, "resize": text})


def test_an_exact_size_is_told_as_height_and_width(client: Client, transport: FakeTransport) -> None:
    transport.configuration = {"resize": "224,288"}
    assert client.release().resize == (224, 288)


def test_a_server_that_cannot_be_asked_for_its_release_is_an_error(client: Client, transport: FakeTransport) -> None:
    transport.failures = [UnavailableError("gone")]
    with pytest.raises(UnavailableError):
        client.release()
    transport.configuration = DeadlineExceededError("slow")
    with pytest.raises(DeadlineExceededError):
        client.release()


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_either_client_asks_for_the_release_over_either_protocol(protocol: str) -> None:
    async def main(url: str) -> Release:
        async with AsyncClient(url) as client:
            return await client.release()

    with FakeServer(release=7, top_k=4) as server:
        url = getattr(server, f"{protocol}_url")
        with Client(url) as client:
            found = client.release()
        assert asyncio.run(main(url)) == found
    assert (found.number, found.model_version, found.top_k, found.endpoint) == (7, "7", 4, url)


def test_a_side_is_twice_what_the_release_scales_to_or_what_is_asked_for() -> None:
    sides = Sides()
    assert (sides.side(False), sides.side(700), sides.side(True)) == (None, 700, DEFAULT_SIDE)
    assert sides.learned(release(resize=384)) == 768
    assert (sides.side(True), sides.side(700)) == (768, 700)
    assert Sides().learned(release(resize=(224, 224))) == 448
    assert Sides().learned(release(resize=(224, 320))) == 640  # enough for either side of any photograph


def test_a_server_is_asked_at_first_and_when_a_newer_release_answers() -> None:
    sides = Sides()
    assert [sides.must_ask(shrink) for shrink in (False, 700, True)] == [False, False, True]
    sides.learned(release(3, resize=256))
    sides.saw("2")
    sides.saw("3")
    sides.saw("a model of somebody else")
    assert not sides.must_ask(True)
    sides.saw("4")
    assert sides.must_ask(True)
    assert sides.learned(release(3, resize=256)) == 512  # an older one behind the same address is asked once
    assert not sides.must_ask(True)


def test_while_two_releases_answer_the_larger_side_suits_both() -> None:
    sides = Sides()
    sides.learned(release(3, resize=384))
    sides.saw("4")
    assert sides.learned(release(4, resize=256)) == 768


def test_a_client_shrinks_to_what_the_release_asks_for_and_asks_once() -> None:
    transport = Growing()
    transport.configuration = {"resize": "100"}
    with Client(connect=lambda _: transport, shrink=True) as client:
        for _ in range(3):
            client.classify(photograph(500))
        assert [side_of(request.images[0]) for request in transport.requests[1:]] == [200] * 3
        assert (transport.asked, transport.requests[0].images) == (1, (health_image(),))
        transport.number, transport.configuration = 13, {"resize": "150"}
        for _ in range(3):
            client.with_options(top_k=1).classify(photograph(500))
    assert transport.asked == 2
    sizes = [side_of(request.images[0]) for request in transport.requests[4:]]
    assert sizes == [200, side_of(health_image()), 300, 300]


def test_a_client_shrinks_to_the_default_where_nobody_tells() -> None:
    transport = Growing()
    transport.embeds = False
    with Client(connect=lambda _: transport, shrink=True) as client:
        client.classify(photograph(1000))
        client.with_options(shrink=100).classify(photograph(1000))
        client.with_options(shrink=False).classify(photograph(1000))
    assert [side_of(request.images[0]) for request in transport.requests] == [DEFAULT_SIDE, 100, 1000]


def test_a_dead_server_is_an_error_and_no_reason_to_guess(transport: FakeTransport) -> None:
    transport.failures = [UnavailableError("gone")] * 9
    with Client(connect=lambda _: transport, shrink=True) as client, pytest.raises(UnavailableError):
        client.classify(photograph(1000))


def test_an_asynchronous_client_shrinks_alike() -> None:
    async def main() -> None:
        async with AsyncClient(server.http_url, shrink=True) as client:
            await client.classify(photograph(1000))
            result = await client.with_options(shrink=False).classify(b"cat.")
            assert result.read_s < 0.05

    with FakeServer() as server:
        asyncio.run(main())
    assert server.requests == 3
