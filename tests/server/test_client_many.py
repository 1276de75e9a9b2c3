"""Many images, what a release tells, and smaller photographs, at the real server."""

import asyncio
import base64
import io
from functools import cache
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from triptych import AsyncClient, Classification, Client, ImageError, ImageInput
from triptych.inputs.sides import DEFAULT_SIDE
from triptych_ops.photographs import PHOTOGRAPHS, SCENES

PATHS = [photograph.path for photograph in PHOTOGRAPHS]
COFFEE = PATHS[1]
CLEAR_LEAD = 0.05
"""The best score less the second. Below, any change of a picture may change its top-1."""


def labels(results: list[Classification | ImageError]) -> list[str]:
    return [item.code if isinstance(item, ImageError) else item.top.label for item in results]


@cache
def enlarged(path: Path, longer: int, form: str, *, orientation: int = 1) -> bytes:
    """A photograph as large as cameras make them, stored so that `orientation` turns it upright."""
    turns = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    with Image.open(path) as image:
        scale = longer / max(image.size)
        size = (round(image.width * scale), round(image.height * scale))
        large = image.convert("RGB").resize(size, Image.Resampling.BICUBIC)
    large = large.transpose(turns[orientation]) if orientation in turns else large
    buffer = io.BytesIO()
    large.save(buffer, form, exif=exif, quality=92, compress_level=1)
    return buffer.getvalue()


@pytest.mark.parametrize("concurrency", [1, 4])
def test_many_images_at_once_are_answered_as_one_by_one(client: Client, concurrency: int) -> None:
    expected = [client.classify(path).top.label for path in PATHS]
    images: list[ImageInput] = [*PATHS * 8, b"junk", "missing.jpg"]
    done: list[int] = []
    results = list(client.classify_many(images, batch_size=5, concurrency=concurrency, progress=done.append))
    assert labels(results) == [*expected * 8, "not_an_image", "missing_file"]
    assert [item.index for item in results] == [*range(26)]
    assert (done, done[-1]) == (sorted(done), 26)


def test_many_images_come_as_they_are_answered(url: str) -> None:
    async def main() -> list[Classification | ImageError]:
        async with AsyncClient(url) as client:
            results = client.classify_many(PATHS * 8, batch_size=2, concurrency=4, ordered=False)
            return [item async for item in results]

    found = {item.index: item for item in asyncio.run(main())}
    in_order = labels([found[index] for index in range(24)])
    assert in_order == in_order[:3] * 8
    assert len({*in_order}) == 3
    assert {item.source for item in found.values()} == {str(path) for path in PATHS}


def test_a_release_is_what_was_built(client: Client) -> None:
    release = client.release()
    assert (release.number, release.model_version, release.top_k, release.embedding_size) == (1, "1", 5, 1280)
    assert release.parameters is not None
    assert {"health_class_id", "health_score"} <= {*release.parameters}
    assert client.classify(COFFEE).release == release.number


def test_an_answer_says_where_the_time_went(client: Client, url: str) -> None:
    result = client.classify(COFFEE)
    assert result.endpoint == url
    assert 0 < result.attempt_s <= result.elapsed_s
    assert 0 < result.read_s < 5


def test_a_data_url_is_the_same_picture(client: Client) -> None:
    inline = f"data:image/png;base64,{base64.b64encode(COFFEE.read_bytes()).decode()}"
    assert client.classify(inline).predictions == client.classify(COFFEE).predictions


@pytest.mark.parametrize(("longer", "form"), [(1600, "JPEG"), (4032, "JPEG"), (1600, "PNG"), (2000, "WEBP")])
def test_a_shrunk_photograph_has_the_same_best_class(client: Client, longer: int, form: str) -> None:
    shrinking = client.with_options(shrink=True)
    drifts, moved = [], []
    for scene in SCENES if form == "JPEG" else SCENES[:3]:
        photograph = enlarged(scene.path, longer, form)
        whole, small = client.classify(photograph), shrinking.classify(photograph)
        scores = {each.class_id: each.score for each in small.predictions}
        drifts.append(max(abs(each.score - scores.get(each.class_id, 0.0)) for each in whole.predictions[:3]))
        lead = whole.top.score - whole.predictions[1].score
        if small.top.class_id != whole.top.class_id:
            moved.append((scene.name, lead))
    print(f"{form} of {longer} pixels shrunk: scores move by {max(drifts):.3f} at most; other top-1: {moved}")
    assert [name for name, lead in moved if lead > CLEAR_LEAD] == []
    assert max(drifts) < 0.1


def test_a_picture_that_is_shrunk_too_far_is_another_one(client: Client) -> None:
    """The control: at a sixteenth of the size the test above would fail."""
    photographs = [enlarged(scene.path, 1600, "JPEG") for scene in SCENES]
    far = client.with_options(shrink=16)
    pairs = [(client.classify(each), far.classify(each)) for each in photographs]
    assert any(
        whole.top.class_id != small.top.class_id and whole.top.score - whole.predictions[1].score > CLEAR_LEAD
        for whole, small in pairs
    )


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_turned_photograph_is_shrunk_as_it_stands(client: Client, orientation: int) -> None:
    upright = client.classify(enlarged(COFFEE, 2400, "JPEG"))
    result = client.with_options(shrink=True).classify(enlarged(COFFEE, 2400, "JPEG", orientation=orientation))
    assert result.top.class_id == upright.top.class_id
    assert abs(result.top.score - upright.top.score) < 0.05


def test_what_shrinking_cannot_read_the_server_judges(client: Client) -> None:
    shrinking = client.with_options(shrink=True)
    for given in (b"junk", enlarged(COFFEE, 2400, "JPEG")[:5000]):
        with pytest.raises(ImageError) as whole:
            client.classify(given)
        with pytest.raises(ImageError) as small:
            shrinking.classify(given)
        assert small.value.code == whole.value.code


def test_the_default_side_is_twice_what_this_release_scales_to(client: Client) -> None:
    assert client.release().resize in (None, DEFAULT_SIDE // 2)
