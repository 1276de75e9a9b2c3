from pathlib import Path
from types import ModuleType

import pytest
from PIL import PngImagePlugin

from sources import load_source


@pytest.fixture(scope="module")
def bounded(checkout: Path) -> ModuleType:
    return load_source(checkout / "model_repository" / "preprocess" / "source" / "bounded.py")


def test_bytes_can_be_read_so_often_and_no_more(bounded: ModuleType) -> None:
    file = bounded.BoundedBytes(b"abcdef", reads=2)
    assert file.read(2) + file.read() == b"abcdef"
    with pytest.raises(bounded.TooManyReadsError, match=r"^it comes in too many pieces$"):
        file.read(1)
    file.reads_left = 1
    file.seek(1)
    assert file.read(1) == b"b"


def test_pillow_keeps_less_of_packed_notes_than_it_would(decoding: ModuleType) -> None:
    assert decoding.PngImagePlugin is PngImagePlugin
    assert PngImagePlugin.MAX_TEXT_MEMORY == 8 * 2**20
