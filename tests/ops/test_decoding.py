"""One definition of decoding: images of every mode and format, in every place that looks at pixels."""

import importlib
import io
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps

import image_modes
from image_modes import SIDE, Case, Pixels
from sources import load_source
from triptych import ImageError, image_formats
from triptych.inputs.images import Reading
from triptych.inputs.images import encoded as sent
from triptych_ops import decoding, export
from triptych_ops.errors import RefusedError
from triptych_ops.export import dali_graph
from triptych_ops.export.weights_files import WeightsFile
from triptych_ops.preprocessing import Preprocessing
from triptych_ops.training.data.content import WholeFile
from triptych_ops.training.data.dataset import Dataset, Sample
from triptych_ops.training.data.inspection import inspect
from triptych_ops.training.inputs import Inputs
from triptych_ops.training.model import embeddings

SMALL = 32
SHRINK_LOSS = 2.0
"""Of 255 in the mean: what shrinking an image of this size may change of the pixels that the network sees."""

DALI_LOSS = 0.05
"""Of 255 in the mean: as the build allows, see `gpu_form.PIXELS_MEAN_TOLERANCE`."""

Place = Callable[[Path], Pixels]  # a file -> (SIDE, SIDE, 3), or a refusal


class RefusalError(Exception):
    """A place refuses an image, in these words."""


def definition(*, side: int) -> Preprocessing:
    """Pixels as they are, where the image has this side."""
    return Preprocessing(resize=side, crop=side, interpolation="bicubic", mean=[0.0] * 3, std=[1.0] * 3)


class Places:
    """Every place that decodes."""

    def __init__(self, pipeline_module: ModuleType, dali: "Place | None") -> None:
        self._module = pipeline_module
        self._dali = dali
        plain = definition(side=SIDE)
        self._weights = export.Weights(
            architecture="none",
            file=WeightsFile(Path("none")),
            key=None,
            definition="none",
            backbone=torch.nn.Flatten(),
            head=torch.nn.Identity(),
            labels=("one",),
            preprocessing=plain,
        )
        self._reference = export.Reference(self._weights)

    @property
    def all(self) -> dict[str, Place]:
        places = {
            "data check": self.data_check,
            "training": self.training,
            "evaluation": self.evaluation,
            "reference": self.reference,
            "calibration": self.calibration,
            "gate, path": self.path,
            "Pillow image": self.pillow_image,
            "server": self.server,
        }
        return places | ({"DALI": self._dali} if self._dali else {})

    def _dataset(self, path: Path) -> Dataset:
        return Dataset(path.parent, "folder", ("one",), (Sample(path.name, 0, WholeFile(path)),))

    def data_check(self, path: Path) -> Pixels:
        """It has a verdict, no pixels: these are what it decoded for it."""
        (picture,) = inspect(self._dataset(path)).pictures
        if picture.fault is not None:
            raise RefusalError(picture.fault)
        assert (picture.width, picture.height) == (SIDE, SIDE)
        return np.asarray(decoding.decode(path.read_bytes()))

    def training(self, path: Path) -> Pixels:
        image, _ = Inputs(self._dataset(path), definition(side=SIDE), augmentation="none")[0, 0]
        return (image.numpy() * 255).round().astype(np.uint8).transpose(1, 2, 0)

    def evaluation(self, path: Path) -> Pixels:
        flat = embeddings(self._weights, self._dataset(path))
        return (flat * 255).round().astype(np.uint8).reshape(3, SIDE, SIDE).transpose(1, 2, 0)

    def reference(self, path: Path) -> Pixels:
        return self._reference.pixels(path)

    def calibration(self, path: Path) -> Pixels:
        (pixels,) = self._reference.stack([path])
        return np.asarray(pixels)

    def path(self, path: Path) -> Pixels:
        try:
            body, _ = sent(path)
        except ImageError as error:
            raise RefusalError(f"{error.code}: {error.message}") from error
        return self._served(body)

    def pillow_image(self, path: Path) -> Pixels:
        """An image in memory is its pixels, so that the caller turns it."""
        with Image.open(path) as opened:
            return self._served(sent(ImageOps.exif_transpose(opened))[0])

    def server(self, path: Path) -> Pixels:
        return self._served(path.read_bytes())

    def _served(self, body: bytes, *, side: int = SIDE) -> Pixels:
        given = definition(side=side)
        pipeline = self._module.ImagePipeline(
            resize=side,
            crop=side,
            interpolation=given.interpolation,
            formats=tuple(given.limits.formats),
            max_bytes=given.limits.max_bytes,
            max_pixels=given.limits.max_pixels,
        )
        try:
            pixels: Pixels = pipeline.pixels(body)
        except self._module.ImageRejectedError as error:
            raise RefusalError(str(error)) from error
        return pixels

    def shrinking_loss(self, body: bytes) -> float:
        """Of 255 in the mean: a network of 32 pixels that gets the shrunk image and the image itself."""
        small = sent(body, reading=Reading(side=2 * SMALL))[0]
        found, expected = (self._served(each, side=SMALL).astype(int) for each in (small, body))
        return float(np.abs(found - expected).mean())


@pytest.fixture(scope="module")
def pipeline_module(checkout: Path) -> ModuleType:
    return load_source(checkout / "model_repository" / "preprocess" / "source" / "image_pipeline.py")


@pytest.fixture(scope="module")
def dali(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The `preprocess` of the GPU form on the CPU's graph."""
    pytest.importorskip("nvidia.dali")
    source = checkout / "model_repository" / "preprocess" / "source"
    decoder_module = load_source(source / "dali_decoder.py")
    package = decoder_module.__package__
    pipelines = importlib.import_module(f"{package}.image_pipeline")
    threads = importlib.import_module(f"{package}.pillow_decoder")
    folder = tmp_path_factory.mktemp("dali")
    given = definition(side=SIDE)
    (folder / "preprocessing.json").write_text(given.model_dump_json(), encoding="utf-8")
    dali_graph.serialise(given, folder)
    pipeline = pipelines.ImagePipeline.from_file(folder / "preprocessing.json")
    decoder = decoder_module.DaliDecoder(
        pipeline,
        threads.PillowDecoder(pipeline, threads=1),
        graph=folder / "decode.cpu.dali",
        device_id=None,
        warn=lambda message: pytest.fail(message),
    )

    def decode(path: Path) -> Pixels:
        (found,) = decoder.decode([path.read_bytes()])
        if isinstance(found, Exception):
            raise RefusalError(str(found))
        return np.asarray(found)

    return decode


@pytest.fixture(scope="module")
def places(pipeline_module: ModuleType, dali: Place) -> Places:
    return Places(pipeline_module, dali)


def cell(place: Place, path: Path, case: Case, *, tolerance: float) -> str:
    """`equal` or `refused`; else what is wrong."""
    try:
        found = place(path)
    except (RefusalError, RefusedError) as error:
        if case.expected is not None:
            return f"REFUSED: {error}"
        return "refused" if case.words in str(error) else f"OTHER WORDS: {error}"
    if case.expected is None:
        return "DECODED"
    loss = float(np.abs(found.astype(int) - case.expected).mean())
    return "equal" if loss <= tolerance else f"OFF BY {loss:.3f}"


def table(places: Places, folder: Path) -> dict[str, dict[str, str]]:
    """Case -> place -> cell."""
    rows: dict[str, dict[str, str]] = {}
    for number, (name, case) in enumerate(image_modes.cases().items()):
        path = folder / str(number)
        path.write_bytes(case.body)
        rows[name] = {
            place: cell(decode, path, case, tolerance=DALI_LOSS if place == "DALI" else 0)
            for place, decode in places.all.items()
            # What is no image, or cut off, a caller cannot open or load: Pillow tells them, not we.
            if case.expected is not None or place != "Pillow image"
        }
        if case.expected is not None:
            loss = places.shrinking_loss(case.body)
            rows[name]["shrunk"] = "equal" if loss <= SHRINK_LOSS else f"OFF BY {loss:.3f}"
    return rows


def printed(rows: dict[str, dict[str, str]], columns: list[str]) -> str:
    widths = [max(len(column), 7) for column in columns]
    first = max(map(len, rows))
    lines = ["  ".join([" " * first, *(column.ljust(width) for column, width in zip(columns, widths, strict=True))])]
    for name, cells in rows.items():
        values = [cells.get(column, "-")[:40].ljust(width) for column, width in zip(columns, widths, strict=True)]
        lines.append("  ".join([name.ljust(first), *values]).rstrip())
    return "\n".join(lines)


def wrong(rows: dict[str, dict[str, str]]) -> dict[str, str]:
    return {
        f"{name}, {place}": found
        for name, cells in rows.items()
        for place, found in cells.items()
        if found not in ("equal", "refused")
    }


@pytest.mark.parametrize("tolerant", [False, True], ids=["", "LOAD_TRUNCATED_IMAGES"])
def test_every_place_decodes_every_image_alike_or_refuses_it_in_the_same_words(
    places: Places, tmp_path: Path, tolerant: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", tolerant)
    rows = table(places, tmp_path)
    columns = [*places.all, "shrunk"]
    cells = sum(map(len, rows.values()))
    if not tolerant:
        print()
        print(printed(rows, columns))
    print(
        f"decoding: {cells} cells of {len(rows)} images in {len(columns)} places, {len(wrong(rows))} of them wrong"
        f"{', LOAD_TRUNCATED_IMAGES set' if tolerant else ''}"
    )
    assert wrong(rows) == {}
    assert {found for cells in rows.values() for found in cells.values()} == {"equal", "refused"}


def _clipping(body: bytes, **_: object) -> Image.Image:
    """As training and the reference decoded before there was one decoder."""
    with Image.open(io.BytesIO(body)) as file:
        return ImageOps.exif_transpose(file).convert("RGB")


@pytest.mark.filterwarnings("ignore:Palette images with Transparency:UserWarning")
def test_the_control_a_second_way_of_decoding_is_found(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "decode", _clipping)
    path, case = tmp_path / "deep.png", image_modes.cases()["PNG 16-bit gray"]
    path.write_bytes(case.body)
    cells = {name: cell(place, path, case, tolerance=0) for name, place in places.all.items() if name != "DALI"}
    off = {name for name, found in cells.items() if found.startswith("OFF BY")}
    assert off == {"data check", "training", "evaluation", "reference", "calibration"}


@pytest.mark.parametrize(
    "array",
    [
        image_modes.deep().astype(np.float32),
        image_modes.deep().astype(np.int32) * 2,
        image_modes.deep().astype(np.int32) - 9_000,
        (image_modes.deep() >> 8).astype(np.int32),
    ],
    ids=["F", "I above", "I below", "I of 8 bits"],
)
def test_pixels_without_a_range_are_refused_in_the_same_words_in_memory_and_in_a_file(
    array: NDArray[Any], checkout: Path
) -> None:
    image = Image.fromarray(array)
    with pytest.raises(ImageError) as in_memory:
        sent(image)
    source = load_source(checkout / "model_repository" / "preprocess" / "source" / "decoding.py")
    body = image_modes.encoded(image, "TIFF")
    with pytest.raises(source.ImageRejectedError) as in_file:
        source.ImageDecoder(("TIFF",), 10**6, 10**6).decode(body)
    assert str(in_file.value) == f"not_an_image: {in_memory.value.message}"


def test_the_whole_image_is_decoded_where_nothing_says_that_less_will_do(checkout: Path) -> None:
    source = load_source(checkout / "model_repository" / "preprocess" / "source" / "decoding.py")
    decoder = source.ImageDecoder(image_formats.PILLOW_NAMES, 10**7, 10**7)
    body = image_modes.encoded(Image.fromarray(image_modes.scene()).resize((1600, 1200)), "JPEG")
    whole, reduced = (np.asarray(decoder.decode(body, reduced=each)) for each in (None, lambda _: (400, 300)))
    assert (whole == image_modes.by_pillow(body)).all()
    assert reduced.shape == (300, 400, 3)


@pytest.mark.parametrize("name", ["PNG EXIF 6", "JPEG EXIF 6", "JPEG XMP 6", "WebP EXIF 6"])
def test_an_image_that_was_turned_is_not_turned_again(name: str) -> None:
    case = image_modes.cases()[name]
    assert (np.asarray(ImageOps.exif_transpose(decoding.decode(case.body))) == case.expected).all()


def test_a_decoder_goes_to_worker_processes() -> None:
    images = export.Images(definition(side=SIDE))
    case = image_modes.cases()["PNG 16-bit gray"]
    copy = pickle.loads(pickle.dumps(images))  # noqa: S301  our own
    assert (np.asarray(copy.cut(case.body, name="copy")) == case.expected).all()
    assert isinstance(pickle.loads(pickle.dumps(decoding._decoder(("PNG",), 1, 1))), decoding.ImageDecoder)  # noqa: S301


_FROM_A_WHEEL = """
import sys
from pathlib import Path
import numpy as np
from triptych_ops import decoding, model_sources
here = Path(sys.argv[1])
assert model_sources.folder().is_relative_to(here), model_sources.folder()
assert Path(sys.modules[decoding.ImageDecoder.__module__].__file__).is_relative_to(here)
print(np.asarray(decoding.decode(Path(sys.argv[2]).read_bytes())).mean())
"""


def test_the_decoder_is_there_in_an_installed_wheel(checkout: Path, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=checkout, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    sources = installed / "triptych_ops" / "model_repository" / "preprocess" / "source"
    shared = installed / "triptych" / "inputs" / "pillow_pixels.py"
    assert (sources / shared.name).read_bytes() == shared.read_bytes()
    case = image_modes.cases()["PNG 16-bit gray"]
    (tmp_path / "deep.png").write_bytes(case.body)
    done = subprocess.run(
        [sys.executable, "-c", _FROM_A_WHEEL, str(installed), str(tmp_path / "deep.png")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert case.expected is not None
    assert float(done.stdout) == pytest.approx(case.expected.mean())


@pytest.mark.parametrize("name", ["half a JPEG", "half a progressive JPEG", "half a PNG"])
def test_the_control_without_strictness_half_an_image_is_decoded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    monkeypatch.setattr(sys.modules[decoding.ImageDecoder.__module__], "strictly", nullcontext)
    assert decoding.decode(image_modes.cases()[name].body).size == (SIDE, SIDE)
