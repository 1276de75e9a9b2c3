"""The real Triton's `preprocess` on images of every mode and format, and what the SDK sends of images in memory."""

import io
from collections.abc import Iterator

import numpy as np
import pytest
import tritonclient.grpc as triton
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile
from tritonclient.utils import InferenceServerException

import image_modes
from commands import Serving
from triptych import Client, ImageError, contract
from triptych_ops import decoding
from triptych_ops.photographs import PHOTOGRAPHS

COFFEE = PHOTOGRAPHS[1].path


@pytest.fixture
def stranger(serving: Serving) -> Iterator[triton.InferenceServerClient]:
    """tritonclient itself, which may ask `preprocess` alone."""
    client = triton.InferenceServerClient(serving.ports.grpc_url.removeprefix("grpc://"))
    yield client
    client.close()


def served(client: triton.InferenceServerClient, body: bytes) -> NDArray[np.uint8] | str:
    """The pixels that `preprocess` makes of an image, or why it has none."""
    image = triton.InferInput("IMAGE", [1, 1], "BYTES")
    image.set_data_from_numpy(np.array([[body]], dtype=np.object_))
    try:
        return np.asarray(client.infer("preprocess", [image]).as_numpy("PIXELS"))
    except InferenceServerException as error:
        return str(error.message()).partition("[0] ")[2]


def test_the_real_preprocess_decodes_as_all_other_places(stranger: triton.InferenceServerClient) -> None:
    wrong, refused = {}, 0
    for name, case in image_modes.cases().items():
        found = served(stranger, case.body)
        if case.expected is None:
            refused += 1
            with pytest.raises(decoding.ImageRejectedError) as caught:
                decoding.decode(case.body)
            if found != str(caught.value):
                wrong[name] = found
        else:
            plain = served(stranger, image_modes.encoded(Image.fromarray(case.expected), "PNG"))
            if isinstance(found, str) or not np.array_equal(found, plain):
                wrong[name] = found
    count = len(image_modes.cases())
    print(f"decoding: the real preprocess: {count - refused} images equal, {refused} refused in the same words")
    assert wrong == {}
    assert 0 < refused < count


def with_tag(image: Image.Image, orientation: int) -> Image.Image:
    """The image as a file has it whose EXIF says this."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    buffer = io.BytesIO()
    image.save(buffer, "PNG", exif=exif)
    return Image.open(io.BytesIO(buffer.getvalue()))


@pytest.mark.parametrize("shrink", [False, 96], ids=["as it is", "shrunk"])
def test_an_image_in_memory_is_classified_as_its_pixels_whatever_its_tag_says(client: Client, shrink: int) -> None:
    asking = client.with_options(shrink=shrink)
    for photograph in PHOTOGRAPHS:
        upright = Image.open(photograph.path).convert("RGB")
        stored = with_tag(upright.transpose(Image.Transpose.ROTATE_90), 6)  # as a camera that was turned stores it
        turned = stored.transpose(Image.Transpose.ROTATE_270)  # by a caller, who leaves the tag
        assert turned.getexif()[ExifTags.Base.Orientation] == 6
        assert asking.classify(turned).predictions == asking.classify(np.asarray(upright)).predictions
        assert asking.classify(stored).predictions == asking.classify(np.asarray(stored)).predictions
        assert asking.classify(turned).predictions != asking.classify(stored).predictions


@pytest.mark.parametrize("mode", ["I", "I;16", "I;16B"])
def test_an_image_of_16_bits_in_memory_is_the_image_of_its_upper_bytes(client: Client, mode: str) -> None:
    level = np.asarray(Image.open(COFFEE).convert("L"))
    deep = level.astype(np.uint16) * np.uint16(256) + np.uint16(77)
    given = {
        "I": lambda: Image.fromarray(deep.astype(np.int32)),
        "I;16": lambda: Image.fromarray(deep),
        "I;16B": lambda: Image.frombytes("I;16B", (level.shape[1], level.shape[0]), deep.astype(">u2").tobytes()),
    }[mode]()
    assert client.classify(given).predictions == client.classify(Image.fromarray(level)).predictions


def test_a_photograph_above_the_limit_is_shrunk_and_answered(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    large = Image.open(COFFEE).convert("RGB").resize((3600, 2400), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    large.save(buffer, "PNG", compress_level=0)
    assert len(buffer.getvalue()) > contract.MAX_IMAGE_BYTES
    assert client.with_options(shrink=True).classify(buffer.getvalue()).top.label == "espresso"
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    half = buffer.getvalue()[: contract.MAX_IMAGE_BYTES // 2]
    with pytest.raises(ImageError) as caught:  # half a picture is not answered
        client.with_options(shrink=True).classify(half)
    assert caught.value.code == "corrupt_image"
