from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest

from triptych import (
    Classification,
    Client,
    Embedding,
    ImageError,
    ImageInput,
    InvalidUrlError,
    ProtocolError,
    UnavailableError,
)
from triptych.transports.transport import InvalidArgumentError

from .fake_transport import FakeTransport


def names(results: Iterator[Classification | ImageError]) -> list[str]:
    return [item.code if isinstance(item, ImageError) else item.top.label for item in results]


def test_one_image_is_classified(client: Client, transport: FakeTransport) -> None:
    result = client.classify(b"cat.")
    (request,) = transport.requests
    assert [(each.class_id, each.label, each.score) for each in result.predictions] == [
        (7, "cat.", 0.5),
        (3, "second", 0.25),
        (1, "third", 0.125),
    ]
    assert (result.release, result.request_id) == (12, request.request_id)
    assert result.elapsed_s >= 0
    assert (request.images, request.outputs) == ((b"cat.",), ("CLASS_ID", "SCORE", "LABEL", "ERROR"))


def test_one_image_is_embedded(client: Client, transport: FakeTransport) -> None:
    result = client.embed(b"cat.")
    assert isinstance(result, Embedding)
    assert (result.vector.tolist(), result.release) == ([1, 1, 1, 1], 12)
    assert transport.requests[0].outputs == ("EMBEDDING", "ERROR")


@pytest.mark.parametrize("call", [Client.classify, Client.embed], ids=lambda call: call.__name__)
@pytest.mark.parametrize(
    ("image", "code", "source"),
    [(b"bad!", "corrupt_image", "image 0"), (b"", "empty_image", "image 0"), ("no.jpg", "missing_file", "no.jpg")],
)
def test_one_image_that_fails_is_raised(
    call: Callable[..., object], image: bytes | str, code: str, source: str, client: Client
) -> None:
    with pytest.raises(ImageError) as caught:
        call(client, image)
    assert (caught.value.code, caught.value.source) == (code, source)


def test_many_images_keep_their_order_with_errors_in_place(client: Client, transport: FakeTransport) -> None:
    images: list[ImageInput] = [
        b"img0",
        b"bad1",
        "missing.jpg",
        b"img3",
        b"",
        b"bad5",
        b"bad6",
        b"img7",
        "missing.jpg",
        b"bad9",
    ]
    results = list(client.classify_many(images, batch_size=3, concurrency=1))
    assert [item.source if isinstance(item, ImageError) else item.top.label for item in results] == [
        *("img0", "image 1", "missing.jpg"),
        *("img3", "image 4", "image 5"),
        *("image 6", "img7", "missing.jpg"),
        "image 9",
    ]
    assert names(iter(results))[4:7] == ["empty_image", "corrupt_image", "corrupt_image"]
    assert [request.images for request in transport.requests] == [
        (b"img0", b"bad1"),
        (b"img3", b"bad5"),
        (b"bad6", b"img7"),
        (b"bad9",),
    ]


def test_a_request_whose_images_were_all_rejected_gives_each_its_error(client: Client) -> None:
    results = list(client.classify_many([b"img0", b"bad1", b"bad2"], batch_size=1))
    assert [str(item) for item in results[1:]] == [
        "image 1: broken (corrupt_image)",
        "image 2: broken (corrupt_image)",
    ]
    together = list(client.classify_many([b"bad0", b"", b"bad2"]))
    assert [str(item) for item in together] == [
        "image 0: broken (corrupt_image)",
        "image 1: the image has 0 bytes (empty_image)",
        "image 2: broken (corrupt_image)",
    ]


def test_nothing_is_sent_where_no_image_can_be_read(client: Client, transport: FakeTransport) -> None:
    assert names(client.classify_many([b"", "missing.jpg"])) == ["empty_image", "missing_file"]
    assert list(client.classify_many([])) == []
    assert transport.requests == []


@pytest.mark.parametrize(
    ("images", "batch_size", "sizes"), [(7, 3, [3, 3, 1]), (6, 3, [3, 3]), (2, 1, [1, 1]), (40, 32, [32, 8])]
)
def test_no_request_holds_more_than_a_batch(
    images: int, batch_size: int, sizes: list[int], client: Client, transport: FakeTransport
) -> None:
    assert len(list(client.classify_many([b"img."] * images, batch_size=batch_size))) == images
    assert sorted((len(request.images) for request in transport.requests), reverse=True) == sizes
    assert len({request.request_id for request in transport.requests}) == len(sizes)


def test_an_endless_iterable_is_read_a_batch_at_a_time(client: Client, transport: FakeTransport) -> None:
    numbers = count()
    results = client.classify_many((b"%04d" % number for number in numbers), batch_size=4, concurrency=1)
    assert (next(numbers), transport.requests) == (0, [])
    assert names(islice(results, 6)) == ["0001", "0002", "0003", "0004", "0005", "0006"]
    assert len(transport.requests) == 2
    assert next(numbers) == 9


@pytest.mark.parametrize("batch_size", [0, -1, 33])
def test_a_batch_size_out_of_range_is_refused_before_anything_is_read(batch_size: int, client: Client) -> None:
    with pytest.raises(ValueError, match=f"batch_size must be 1 to 32, not {batch_size}"):
        client.classify_many([], batch_size=batch_size)


@pytest.mark.parametrize("top_k", [0, -1])
def test_a_top_k_below_one_is_refused_before_anything_is_read(top_k: int, client: Client) -> None:
    with pytest.raises(ValueError, match=f"top_k must be at least 1, not {top_k}"):
        client.classify_many([], top_k=top_k)


@pytest.mark.parametrize(("top_k", "found"), [(None, 3), (1, 1), (2, 2), (50, 3)])
def test_top_k_bounds_the_predictions(top_k: int | None, found: int, client: Client) -> None:
    assert len(client.classify(b"cat.", top_k=top_k).predictions) == found
    (result,) = client.classify_many([b"cat."], top_k=top_k)
    assert isinstance(result, Classification)
    assert len(result.predictions) == found


def test_results_before_a_failing_request_stay_valid(client: Client, transport: FakeTransport) -> None:
    results = client.classify_many([b"img0", b"img1", b"img2"], batch_size=2, concurrency=1)
    assert names(islice(results, 2)) == ["img0", "img1"]
    transport.failures = [UnavailableError("gone")]
    with pytest.raises(UnavailableError, match="gone"):
        next(results)


def test_a_refused_request_without_rejections_breaks_the_contract(client: Client, transport: FakeTransport) -> None:
    transport.failures = [InvalidArgumentError("unexpected shape for input 'IMAGE'")]
    with pytest.raises(ProtocolError, match="unexpected shape"):
        client.classify(b"cat.")


def test_a_call_s_own_timeout_goes_before_the_client_s(client: Client, transport: FakeTransport) -> None:
    client.classify(b"cat.")
    client.classify(b"cat.", timeout_s=0.5)
    client.embed(b"cat.", timeout_s=0.25)
    list(client.classify_many([b"cat."], timeout_s=2.0))
    client.health(timeout_s=1.0)
    assert [request.timeout_s for request in transport.requests] == [4.0, 0.5, 0.25, 2.0, 1.0]


def test_the_client_is_closed_by_its_context_and_by_hand(transport: FakeTransport) -> None:
    with Client(connect=lambda _: transport) as client:
        client.classify(b"cat.")
        assert transport.closed == 0
    assert transport.closed == 1
    client.close()
    with pytest.raises(UnavailableError, match="closed"):
        client.classify(b"cat.")


def test_an_error_inside_the_context_closes_the_client_and_passes_on(transport: FakeTransport) -> None:
    def fail() -> None:
        with Client(connect=lambda _: transport) as client:
            client.classify(b"cat.")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert transport.closed == 1


@pytest.mark.parametrize("url", ["grpc://localhost", "http://localhost"])
def test_a_client_that_never_called_closes_twice(url: str) -> None:
    client = Client(url)
    client.close()
    client.close()


def test_a_url_that_cannot_be_read_is_refused_at_once() -> None:
    with pytest.raises(InvalidUrlError):
        Client("localhost:8001")


@pytest.mark.parametrize("timeout_s", [0, -1, float("nan"), float("inf")])
@pytest.mark.parametrize("url", ["grpc://localhost:1", "http://localhost:1"])
def test_a_senseless_timeout_is_refused_at_once(url: str, timeout_s: float) -> None:
    with pytest.raises(ValueError, match="timeout_s must be a positive number of seconds"):
        Client(url, timeout_s=timeout_s)
    with Client(url) as client:
        for ask in (client.classify, client.embed):
            with pytest.raises(ValueError, match="timeout_s"):
                ask(b"image", timeout_s=timeout_s)
        with pytest.raises(ValueError, match="timeout_s"):
            client.classify_many([], timeout_s=timeout_s)
        with pytest.raises(ValueError, match="timeout_s"):
            client.health(timeout_s=timeout_s)


@pytest.mark.parametrize("images", ["cat.jpg", b"image", Path("cat.jpg")])
def test_a_single_image_is_not_taken_for_many(client: Client, images: Any) -> None:
    with pytest.raises(TypeError, match="use classify"):
        client.classify_many(images)
