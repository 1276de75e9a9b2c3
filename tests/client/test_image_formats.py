"""The table of image formats, and that it is the only one."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from triptych import image_formats
from triptych.image_formats import FORMATS, JPEG, PNG, WEBP

_SOURCES = ("client", "helm", "loadtests", "model_repository", "ops")
_LIST = re.compile(r"""["'](image/|\.)?(png|webp)["'][^"'\n]{0,3}["'](image/|\.)?(webp|png|jpe?g)["']""", re.IGNORECASE)
"""Two formats one after the other as strings: a list that would have to be kept."""


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\xff\xd8\xff\xe0 and so on", JPEG),
        (b"\x89PNG\r\n\x1a\n and so on", PNG),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", WEBP),
        (b"RIFF\x10\x00\x00\x00WAVEfmt ", None),
        (b"GIF89a", None),
        (b"\xff\xd8", None),
        (b"", None),
    ],
)
def test_a_format_is_known_by_its_first_bytes(head: bytes, expected: image_formats.ImageFormat | None) -> None:
    assert image_formats.identify(head) == expected


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "folder/a.Jpe", "a.jfif", "a.png", Path("a.b.webp")])
def test_an_image_is_known_by_its_suffix(name: str | Path) -> None:
    assert image_formats.has_suffix(name)


@pytest.mark.parametrize("name", ["a.gif", "jpg", ".png", "a.jpg.txt", ""])
def test_another_suffix_is_no_image(name: str) -> None:
    assert not image_formats.has_suffix(name)


def test_formats_are_listed_in_words() -> None:
    assert (image_formats.ANY, image_formats.ALL) == ("JPEG, PNG or WebP", "JPEG, PNG and WebP")
    assert image_formats.listed(["JPEG"], conjunction="or") == "JPEG"


def test_no_suffix_and_no_type_belongs_to_two_formats() -> None:
    suffixes = [suffix for each in FORMATS for suffix in each.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    assert len(set(image_formats.MIME_TYPES)) == len(set(image_formats.PILLOW_NAMES)) == len(FORMATS)


def test_there_is_no_other_list_of_formats(checkout: Path) -> None:
    files = [
        path
        for folder in _SOURCES
        for path in (checkout / folder).rglob("*")
        if path.suffix in {".py", ".js", ".html", ".yaml", ".j2"} and "__pycache__" not in path.parts
    ]
    assert len(files) > 500
    found = [str(path.relative_to(checkout)) for path in files if _LIST.search(path.read_text(encoding="utf-8"))]
    assert found == []
    assert _LIST.search('("JPEG", "PNG", "WEBP")')  # the control: what the old lists looked like
    assert _LIST.search('{".jpeg", ".jpg", ".png", ".webp"}')
    assert _LIST.search('["image/jpeg", "image/png", "image/webp"]')


_ROW = (
    'TIFF = ImageFormat(name="TIFF", pillow="TIFF", mime_type="image/tiff", suffixes=(".tif",), magic=((0, b"II*"),))\n'
)
_ANSWERS = """
import io, tempfile
from pathlib import Path
import numpy as np
from PIL import Image
from click.testing import CliRunner
from triptych import image_formats
assert image_formats.ANY == "JPEG, PNG, WebP or TIFF", image_formats.ANY
buffer = io.BytesIO()
Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)).save(buffer, "TIFF")
body = buffer.getvalue()
folder = Path(tempfile.mkdtemp())
for label in ("one", "two"):
    (folder / label).mkdir()
    (folder / label / "scan.tif").write_bytes(body)
known = {}

from triptych.inputs import http_fetch, shrinking
known["the SDK's Accept header"] = "image/tiff" in http_fetch._HEADERS["Accept"]
with Image.open(io.BytesIO(shrinking.shrunk(body, side=64))) as small:
    known["the SDK's shrinking"] = min(small.size) == 64
from triptych_ops.cli.folder.walk import find_images
known["classify of a folder"] = len(find_images([str(folder / "one")]).files) == 1
from triptych_ops.cli.classify import classify
known["classify --help"] = "TIFF" in CliRunner().invoke(classify, ["--help"]).output
from triptych_ops.gateway import inference, limits, openapi, pages
known["the gateway"] = "image/tiff" in inference.IMAGE_TYPES
document = openapi.document(limits.Limits())
known["the gateway's document"] = "TIFF" in str(document) and "image/tiff" in str(document)
import asyncio
page = asyncio.run(pages.routes(document)[0].endpoint(None)).body.decode()
known["the gateway's page"] = all(text in page for text in (
    'image/webp,image/tiff"', '"image/webp", "image/tiff"]', "WebP or TIFF"))
from loadtests.pictures import folder as pictures, making, mix
known["load tests: a folder"] = list(pictures.read_folder(folder / "one")) == ["scan.tif"]
known["load tests: a mix"] = making.made("tiff", 40, 30)[:3] == b"II*"
known["loadtest --picture"] = mix.kind_from_text("tiff:9x9").format == "tiff"
from triptych_ops.cli.loadtest import sending_options
closures = [each.__closure__ for each in sending_options._OPTIONS if each.__closure__]
known["loadtest --pictures"] = "TIFF" in str([str(cell.cell_contents) for closure in closures for cell in closure])
from triptych_ops.preprocessing import ImageLimits
known["the definition of preprocessing"] = ImageLimits().formats == ["JPEG", "PNG", "WEBP", "TIFF"]
from triptych_ops.builder import image_sets, views
known["a gate's folder"] = len(image_sets.from_folder(folder).paths) == 2
known["views"] = ".tif" in views._SUFFIXES
from triptych_ops.training.data import formats, image_folder, webdataset
from triptych_ops.training.data.inspection import inspect
dataset = image_folder.read_image_folder(folder)
known["a dataset"] = len(dataset.samples) == 2 and formats.image_suffix(body, name="scan") == ".tif"
known["a WebDataset"] = ".tif" in webdataset.IMAGE_SUFFIXES
known["data check"] = inspect(dataset).faulty == ()
missing = [user for user, knows in known.items() if not knows]
assert not missing, missing
print(len(known))
"""


def test_a_format_that_is_added_to_the_table_is_known_everywhere(checkout: Path, tmp_path: Path) -> None:
    package = tmp_path / "triptych"
    for path in (checkout / "client" / "triptych").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            copy = package / path.relative_to(checkout / "client" / "triptych")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    table = package / "image_formats.py"
    source = table.read_text(encoding="utf-8")
    rows = "FORMATS: Final[tuple[ImageFormat, ...]] = (JPEG, PNG, WEBP)\n"
    assert source.count(rows) == 1
    table.write_text(source.replace(rows, _ROW + rows.replace("WEBP", "WEBP, TIFF")), encoding="utf-8")
    run = [sys.executable, "-W", "ignore", "-c", _ANSWERS]
    done = subprocess.run(run, cwd=checkout, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 16
