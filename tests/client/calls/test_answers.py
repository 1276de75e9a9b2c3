from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from triptych import Classification, Embedding, ImageError, Prediction, ProtocolError
from triptych.calls.answers import Answer, Image, classifications, embeddings, rejections
from triptych.transports.transport import InferResponse, InvalidArgumentError

IMAGES = (Image(4, "cat.jpg"), Image(1, "image 1"), Image(6, "dog.jpg"))


def tensors(**changed: NDArray[Any] | None) -> dict[str, NDArray[Any]]:
    """Three images and K = 2, of which the second failed; `None` leaves a tensor out."""
    whole: dict[str, NDArray[Any] | None] = {
        "CLASS_ID": np.array([[281, 285], [-1, -1], [207, 208]], np.int32),
        "SCORE": np.array([[0.75, 0.125], [0, 0], [0.5, 0.25]], np.float32),
        "LABEL": np.array([[b"tabby", b"k\xc3\xa4tzchen"], [b"", b""], [b"retriever", b"\xff"]], np.object_),
        "ERROR": np.array([[b""], [b"corrupt_image: broken: at byte 7"], [b""]], np.object_),
        "EMBEDDING": np.array([[1, 2, 3], [0, 0, 0], [4, 5, 6]], np.float32),
    }
    return {name: tensor for name, tensor in (whole | changed).items() if tensor is not None}


def answer(outputs: dict[str, NDArray[Any]], *, version: str = "7") -> Answer:
    return Answer(InferResponse(version, outputs), IMAGES, "request-1", 0.25)


def test_classifications_keep_the_order_of_the_images_and_of_the_classes() -> None:
    first, _, third = classifications(answer(tensors()))
    assert first == Classification(
        (Prediction(281, "tabby", 0.75), Prediction(285, "kätzchen", 0.125)),
        release=7,
        request_id="request-1",
        elapsed_s=0.25,
        model_version="7",
        attempt_s=0.25,
        index=4,
        source="cat.jpg",
    )
    assert isinstance(first, Classification)
    assert first.top == Prediction(281, "tabby", 0.75)
    assert isinstance(third, Classification)
    assert [prediction.class_id for prediction in third.predictions] == [207, 208]


def test_a_classification_holds_plain_python_numbers() -> None:
    first = classifications(answer(tensors()))[0]
    assert isinstance(first, Classification)
    assert (type(first.top.class_id), type(first.top.score), type(first.release)) == (int, float, int)


def test_a_label_that_is_no_utf8_is_still_readable() -> None:
    third = classifications(answer(tensors()))[2]
    assert isinstance(third, Classification)
    assert third.predictions[1].label == "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(("top_k", "count"), [(None, 2), (1, 1), (2, 2), (9, 2)])
def test_top_k_keeps_the_best_classes(top_k: int | None, count: int) -> None:
    first = classifications(answer(tensors()), top_k=top_k)[0]
    assert isinstance(first, Classification)
    assert [prediction.class_id for prediction in first.predictions] == [281, 285][:count]


@pytest.mark.parametrize("results", [classifications, embeddings])
def test_an_image_that_failed_is_an_error_in_its_place(results: Callable[[Answer], list[Any]]) -> None:
    kinds = [type(item) for item in results(answer(tensors()))]
    assert (kinds[1], kinds[0] is kinds[2]) == (ImageError, True)
    failed = results(answer(tensors()))[1]
    assert (failed.code, failed.message) == ("corrupt_image", "broken: at byte 7")
    assert (failed.index, failed.source) == (1, "image 1")


def test_an_error_without_a_code_keeps_its_words() -> None:
    failed = classifications(answer(tensors(ERROR=np.array([[b"oh no"], [b"bad"], [b""]], np.object_))))[0]
    assert isinstance(failed, ImageError)
    assert (failed.code, failed.message, failed.source) == ("rejected", "oh no", "cat.jpg")


def test_embeddings_are_one_vector_an_image_of_its_own() -> None:
    outputs = tensors()
    first, _, third = embeddings(answer(outputs))
    assert isinstance(first, Embedding)
    assert isinstance(third, Embedding)
    assert (first.vector.tolist(), third.vector.tolist()) == ([1, 2, 3], [4, 5, 6])
    assert (first.release, first.request_id, first.elapsed_s) == (7, "request-1", 0.25)
    assert first.vector.dtype == np.float32
    assert not np.shares_memory(first.vector, outputs["EMBEDDING"])


@pytest.mark.parametrize("name", ["CLASS_ID", "SCORE", "LABEL", "ERROR"])
def test_a_classification_without_one_of_its_tensors_breaks_the_contract(name: str) -> None:
    with pytest.raises(ProtocolError, match=f"lacks the output {name}"):
        classifications(answer(tensors(**{name: None})))


@pytest.mark.parametrize("name", ["EMBEDDING", "ERROR"])
def test_an_embedding_without_one_of_its_tensors_breaks_the_contract(name: str) -> None:
    with pytest.raises(ProtocolError, match=f"lacks the output {name}"):
        embeddings(answer(tensors(**{name: None})))


@pytest.mark.parametrize(
    "reshaped",
    [
        lambda tensor: tensor[:2],
        lambda tensor: np.concatenate([tensor, tensor[:1]]),
        lambda tensor: tensor[:0],
        lambda tensor: tensor[:, :0],
        lambda tensor: tensor[:, 0],
        lambda tensor: tensor[..., None],
    ],
    ids=["a row short", "a row too many", "no rows", "no columns", "one dimension", "three dimensions"],
)
@pytest.mark.parametrize("name", ["CLASS_ID", "SCORE", "LABEL", "ERROR", "EMBEDDING"])
def test_a_tensor_of_another_shape_breaks_the_contract(
    name: str, reshaped: Callable[[NDArray[Any]], NDArray[Any]]
) -> None:
    outputs = tensors()
    results = embeddings if name == "EMBEDDING" else classifications
    with pytest.raises(ProtocolError, match=rf"output {name} is \w+ \(.* where \w+ \(3, K\) was expected"):
        results(answer(outputs | {name: reshaped(outputs[name])}))


@pytest.mark.parametrize("name", ["CLASS_ID", "SCORE", "LABEL"])
def test_tensors_of_different_k_break_the_contract(name: str) -> None:
    with pytest.raises(ProtocolError, match="different shapes"):
        classifications(answer(tensors(**{name: tensors()[name][:, :1]})))


@pytest.mark.parametrize(
    "version", ["", "latest", "7.1", "v7", "-7", "0", "٣", "1_0", " 7", "9" * 19, "9" * 6000, "7\n"]
)
@pytest.mark.parametrize("results", [classifications, embeddings])
def test_a_model_version_that_is_no_number_breaks_the_contract(
    results: Callable[[Answer], list[Any]], version: str
) -> None:
    with pytest.raises(ProtocolError, match="release number") as caught:
        results(answer(tensors(), version=version))
    assert len(str(caught.value)) < 200
    assert str(caught.value).isprintable()


def test_a_refused_request_gives_the_error_of_each_image() -> None:
    error = InvalidArgumentError("in ensemble, [0] empty_image: 0 bytes\n[2] not_an_image: no\n[1] corrupt_image: off")
    assert [(each.code, each.message, each.index, each.source) for each in rejections(error, IMAGES)] == [
        ("empty_image", "0 bytes", 4, "cat.jpg"),
        ("corrupt_image", "off", 1, "image 1"),
        ("not_an_image", "no", 6, "dog.jpg"),
    ]


@pytest.mark.parametrize(
    "message",
    [
        "[0] empty_image: 0 bytes\n[1] empty_image: 0 bytes",
        "[0] empty_image: 0 bytes\n[2] empty_image: 0 bytes",
        "[0] empty_image: a\n[1] empty_image: b\n[2] empty_image: c\n[3] empty_image: d",
        "batch-size must be <= 32\nfor 'image_classifier'",
    ],
    ids=["too few", "a gap", "too many", "of another kind"],
)
def test_a_refusal_that_does_not_cover_the_images_breaks_the_contract(message: str) -> None:
    error = InvalidArgumentError(message)
    with pytest.raises(ProtocolError) as caught:
        rejections(error, IMAGES)
    assert str(caught.value) == f"the server refused the request: {message.splitlines()[0]}"
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("LABEL", np.int32),
        ("LABEL", np.float32),
        ("ERROR", np.int32),
        ("SCORE", np.object_),
        ("SCORE", np.float64),
        ("CLASS_ID", np.float32),
        ("CLASS_ID", np.int64),
    ],
)
def test_a_tensor_of_another_type_breaks_the_contract(name: str, dtype: Any) -> None:
    other = np.ones(tensors()[name].shape, dtype)
    with pytest.raises(ProtocolError, match=f"output {name} is {np.dtype(dtype)}"):
        classifications(answer(tensors(**{name: other})))


@pytest.mark.parametrize("results", [classifications, embeddings])
def test_a_result_says_who_answered_and_how_long_it_took(results: Callable[[Answer], list[Any]]) -> None:
    response = InferResponse("7", tensors())
    given = Answer(response, IMAGES, "request-1", 0.5, 3, attempt_s=0.25, read_s=0.125, endpoint="grpc://a:8001")
    result = results(given)[2]
    assert (result.release, result.model_version, result.endpoint) == (7, "7", "grpc://a:8001")
    assert (result.elapsed_s, result.attempt_s, result.read_s, result.attempts) == (0.5, 0.25, 0.125, 3)
    assert (result.index, result.source) == (6, "dog.jpg")


def test_a_version_is_told_as_the_server_said_it() -> None:
    result = classifications(answer(tensors(), version="007"))[0]
    assert isinstance(result, Classification)
    assert (result.release, result.model_version) == (7, "007")
