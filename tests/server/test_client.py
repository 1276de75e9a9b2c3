"""The SDK against the real server."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from commands import Serving
from triptych import Classification, Client, ImageError, NotFoundError
from triptych_ops.photographs import PHOTOGRAPHS

COFFEE = PHOTOGRAPHS[1].path


def test_every_kind_of_input_is_the_same_picture(client: Client) -> None:
    with Image.open(COFFEE) as image:
        picture = image.convert("RGB")
    with COFFEE.open("rb") as file:
        answers = [
            client.classify(given)
            for given in (str(COFFEE), COFFEE, COFFEE.read_bytes(), file, picture, np.asarray(picture))
        ]
    assert [answer.top.label for answer in answers] == ["espresso"] * 6
    assert len({answer.predictions for answer in answers}) == 1


def test_a_result_says_who_answered(client: Client) -> None:
    result = client.classify(COFFEE, top_k=2)
    assert result.release == 1
    assert len(result.predictions) == 2
    assert len(result.request_id) == 32
    assert 0 < result.elapsed_s < 30
    assert 0.9 < result.top.score <= 1


def test_many_answers_come_in_order_with_errors_in_place(client: Client) -> None:
    paths = [photograph.path for photograph in PHOTOGRAPHS]
    results = list(client.classify_many([*paths, b"junk", "missing.jpg", *paths], batch_size=3))
    labels = [result.top.label if isinstance(result, Classification) else result.code for result in results]
    assert labels[:3] == labels[5:]
    assert labels[3:5] == ["not_an_image", "missing_file"]
    assert isinstance(results[3], ImageError)
    assert results[3].source == "image 3"


def test_one_bad_image_raises(client: Client) -> None:
    with pytest.raises(ImageError, match=r"image 0: .*none of JPEG, PNG, WEBP"):
        client.classify(b"junk")


def test_an_embedding_is_the_same_for_the_same_picture(client: Client) -> None:
    first, second, other = (client.embed(path).vector for path in (COFFEE, COFFEE, PHOTOGRAPHS[0].path))
    assert first.shape == (1280,)
    assert first.dtype == np.float32
    np.testing.assert_allclose(first, second, atol=1e-5)
    assert np.abs(first - other).max() > 0.1


def test_threads_share_a_client_and_no_answer_is_swapped(client: Client) -> None:
    expected = {photograph.path: client.classify(photograph.path).top.label for photograph in PHOTOGRAPHS}
    work = list(expected) * 30
    with ThreadPoolExecutor(8) as pool:
        labels = list(pool.map(lambda path: client.classify(path).top.label, work))
    assert labels == [expected[path] for path in work]
    assert len(set(expected.values())) == len(PHOTOGRAPHS)  # else a swap could hide


def test_another_server_has_no_such_model(serving: Serving) -> None:
    with Client(f"{serving.ports.http_url}/prefix") as client, pytest.raises(NotFoundError):
        client.classify(COFFEE)
