"""Pictures are what they are called, come in their shares, and folders are read or refused."""

import io
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
from PIL import Image

from loadtests.errors import PicturesError
from loadtests.pictures import MIXES, Kind, MixDescription, kind_from_text
from loadtests.pictures.invalid import INVALID

DRAWS = 20_000


def test_each_kind_is_made_as_it_says() -> None:
    kinds = (Kind("jpeg", 700, 510, 6), Kind("png", 60, 40, 3), Kind("webp", 33, 77))
    mix = MixDescription(kinds=kinds).made()
    for kind, picture in zip(kinds, mix.pictures, strict=True):
        with Image.open(io.BytesIO(picture.data)) as opened:
            assert (opened.format, opened.size) == (kind.format.upper(), (kind.width, kind.height))
            assert picture.name == kind.name
    assert mix.shares == pytest.approx({"jpeg-700x510": 0.6, "png-60x40": 0.3, "webp-33x77": 0.1})


def test_pictures_come_in_their_shares_and_by_the_seed() -> None:
    mix = MixDescription(kinds=(Kind("jpeg", 20, 20, 3), Kind("png", 20, 20)), invalid_share=0.2).made()
    drawn = [picture.name for picture in islice(mix.drawn(5), DRAWS)]
    counts = Counter(drawn)
    assert counts["jpeg-20x20"] / DRAWS == pytest.approx(0.6, abs=0.02)
    assert counts["png-20x20"] / DRAWS == pytest.approx(0.2, abs=0.02)
    assert sum(counts[name] for name in INVALID) / DRAWS == pytest.approx(0.2, abs=0.02)
    assert drawn == [picture.name for picture in islice(mix.drawn(5), DRAWS)]
    assert drawn != [picture.name for picture in islice(mix.drawn(6), DRAWS)]


def test_bad_pictures_cannot_be_decoded() -> None:
    mix = MixDescription(kinds=(Kind("jpeg", 20, 20),), invalid_share=1.0).made()
    for picture in mix.pictures:
        if picture.is_invalid:
            with pytest.raises((OSError, Image.DecompressionBombError)), Image.open(io.BytesIO(picture.data)) as opened:
                opened.load()


def test_a_folder_of_the_users_own(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", "c.txt", "new\nline.webp"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "folder.jpg").mkdir()
    mix = MixDescription(folder=str(tmp_path)).made()
    assert mix.shares == pytest.approx({"a.png": 1 / 3, "b.JPG": 1 / 3, "new\\nline.webp": 1 / 3})


@pytest.mark.parametrize("folder", ["empty", "missing", "file"])
def test_a_folder_without_pictures_is_refused(tmp_path: Path, folder: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(PicturesError, match=f"{folder}.*name a folder with pictures"):
        MixDescription(folder=str(tmp_path / folder)).made()


def test_a_kind_is_read_from_text() -> None:
    assert kind_from_text("png:40x30=2.5") == Kind("png", 40, 30, 2.5)
    assert kind_from_text("jpeg:500x375") == Kind("jpeg", 500, 375, 1.0)


@pytest.mark.parametrize("text", ["gif:1x1", "jpeg", "jpeg:0x5", "jpeg:5x5=0", "jpeg:5x5=1.2.3", "jpeg:99999x5", ""])
def test_what_is_no_kind_is_refused(text: str) -> None:
    with pytest.raises(PicturesError, match=repr(text)):
        kind_from_text(text)


def test_a_description_travels_as_json() -> None:
    description = MixDescription(kinds=MIXES["web"], invalid_share=0.1)
    assert MixDescription.from_document(description.document()) == description
