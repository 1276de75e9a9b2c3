"""The tensor contract of `image_classifier`, as a client that is not ours sees it."""

import io
import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import numpy as np
import pytest
import tritonclient.grpc as triton
from PIL import Image
from tritonclient.utils import InferenceServerException

from commands import Serving
from triptych import contract
from triptych_ops.photographs import PHOTOGRAPHS

K, EMBEDDING_SIZE = 5, 1280
BODIES = [photograph.path.read_bytes() for photograph in PHOTOGRAPHS]  # a PNG, a PNG, a JPEG; three sizes


@pytest.fixture
def stranger(serving: Serving) -> Iterator[triton.InferenceServerClient]:
    """tritonclient itself."""
    client = triton.InferenceServerClient(serving.ports.grpc_url.removeprefix("grpc://"))
    yield client
    client.close()


def ask(client: triton.InferenceServerClient, bodies: list[bytes], *outputs: str) -> triton.InferResult:
    image = triton.InferInput("IMAGE", [len(bodies), 1], "BYTES")
    image.set_data_from_numpy(np.array(bodies, dtype=np.object_).reshape(-1, 1))
    requested = [triton.InferRequestedOutput(name) for name in outputs] or None
    return client.infer("image_classifier", [image], outputs=requested)


def test_the_served_metadata_is_the_contract(stranger: triton.InferenceServerClient) -> None:
    metadata = stranger.get_model_metadata("image_classifier")
    assert {tensor.name: tensor.datatype for tensor in metadata.inputs} == dict(contract.INPUTS)
    assert {tensor.name: tensor.datatype for tensor in metadata.outputs} == dict(contract.OUTPUTS)
    assert metadata.versions == ["1"]


def test_mixed_sizes_and_formats_go_in_one_request(stranger: triton.InferenceServerClient) -> None:
    result = ask(stranger, BODIES, "CLASS_ID", "SCORE", "LABEL", "ERROR")
    count = len(BODIES)
    assert {name: result.as_numpy(name).shape for name in ("CLASS_ID", "SCORE", "LABEL", "ERROR")} == {
        "CLASS_ID": (count, K),
        "SCORE": (count, K),
        "LABEL": (count, K),
        "ERROR": (count, 1),
    }
    assert result.as_numpy("LABEL")[1, 0] == b"espresso"
    assert not any(result.as_numpy("ERROR").ravel())
    assert (np.diff(result.as_numpy("SCORE"), axis=1) <= 0).all()


def test_an_image_gets_the_same_answer_alone_and_in_company(stranger: triton.InferenceServerClient) -> None:
    together = ask(stranger, BODIES, "CLASS_ID", "SCORE")
    for row, body in enumerate(BODIES):
        alone = ask(stranger, [body], "CLASS_ID", "SCORE")
        assert alone.as_numpy("CLASS_ID")[0].tolist() == together.as_numpy("CLASS_ID")[row].tolist()
        np.testing.assert_allclose(alone.as_numpy("SCORE")[0], together.as_numpy("SCORE")[row], atol=1e-5)


def test_the_embedding_is_sent_only_when_asked_for(stranger: triton.InferenceServerClient) -> None:
    asked = ask(stranger, BODIES[:2], "EMBEDDING")
    assert asked.as_numpy("EMBEDDING").shape == (2, EMBEDDING_SIZE)
    assert [output.name for output in asked.get_response().outputs] == ["EMBEDDING"]
    unasked = ask(stranger, BODIES[:2], "CLASS_ID")
    assert unasked.as_numpy("EMBEDDING") is None


def test_case_42_one_bad_image_of_eight_leaves_the_others_byte_equal(stranger: triton.InferenceServerClient) -> None:
    good = [body for _ in range(3) for body in BODIES][:8]
    names = ("CLASS_ID", "SCORE", "LABEL")
    reference = {name: ask(stranger, good, *names).as_numpy(name) for name in names}
    untouched = 0
    for bad_row in range(8):
        mixed = [*good[:bad_row], b"not an image", *good[bad_row + 1 :]]
        result = ask(stranger, mixed, *names, "ERROR")
        others = [row for row in range(8) if row != bad_row]
        for name in names:
            served = result.as_numpy(name)
            untouched += sum(served[row].tolist() == reference[name][row].tolist() for row in others)
        assert result.as_numpy("CLASS_ID")[bad_row].tolist() == [-1] * K
        assert result.as_numpy("ERROR")[bad_row, 0].startswith(b"not_an_image: ")
        assert not any(result.as_numpy("ERROR")[others].ravel())
    print(f"case 42: {untouched} of {8 * 7 * len(names)} rows byte-equal")
    assert untouched == 8 * 7 * len(names)


def test_a_request_fails_only_when_all_its_images_do(stranger: triton.InferenceServerClient) -> None:
    with pytest.raises(InferenceServerException) as caught:
        ask(stranger, [b"one", b""], "CLASS_ID")
    assert caught.value.status() == "StatusCode.INVALID_ARGUMENT"
    found = contract.parse_rejections(caught.value.message())
    assert {index: code for index, (code, _) in found.items()} == {0: "not_an_image", 1: "empty_image"}


def test_more_images_than_the_batch_holds_are_refused(stranger: triton.InferenceServerClient) -> None:
    with pytest.raises(InferenceServerException, match="batch-size"):
        ask(stranger, [BODIES[2]] * (contract.MAX_BATCH_SIZE + 1), "CLASS_ID")


def test_one_image_by_plain_http_needs_no_sdk(serving: Serving) -> None:
    request = urllib.request.Request(
        f"{serving.ports.http_url}/v2/models/image_classifier/infer",
        data=BODIES[1],
        headers={"Inference-Header-Content-Length": "0", "Content-Type": "application/octet-stream"},
    )
    with urllib.request.urlopen(request) as answer:
        header = json.loads(answer.read()[: int(answer.headers["Inference-Header-Content-Length"])])
    assert header["model_version"] == "1"
    assert {output["name"] for output in header["outputs"]} == set(contract.OUTPUTS)


def test_what_is_no_image_by_plain_http_is_a_bad_request(serving: Serving) -> None:
    request = urllib.request.Request(
        f"{serving.ports.http_url}/v2/models/image_classifier/infer",
        data=b"hello",
        headers={"Inference-Header-Content-Length": "0"},
    )
    with pytest.raises(urllib.error.HTTPError) as caught, urllib.request.urlopen(request):
        pass
    with caught.value as answer:
        assert answer.code == 400
        assert "not_an_image" in json.loads(answer.read())["error"]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_every_promised_format_gets_the_same_first_label(stranger: triton.InferenceServerClient, form: str) -> None:
    buffer = io.BytesIO()
    with Image.open(PHOTOGRAPHS[1].path) as image:
        image.convert("RGB").save(buffer, format=form)
    assert ask(stranger, [buffer.getvalue()], "LABEL").as_numpy("LABEL")[0, 0] == b"espresso"
