"""The `preprocess` model with DALI, on the CPU's graph, beside a stand-in for Triton's module; and with Pillow."""

import importlib
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from python_backend import Metrics, Request, Tensor
from triptych_ops.export import dali_graph
from triptych_ops.photographs import PHOTOGRAPHS
from triptych_ops.preprocessing import ImageLimits, Preprocessing

pytest.importorskip("nvidia.dali")

RESIZE, CROP = 72, 64
MAX_PIXELS = 1_000_000
PACKAGE = "served_preprocess"  # what Triton calls the version folder's package, it is the version


@dataclass
class Response:
    """As `pb_utils.InferenceResponse`."""

    output_tensors: list[Tensor]
    error: Any = None

    def __getitem__(self, name: str) -> NDArray[Any]:
        (array,) = [tensor.as_numpy() for tensor in self.output_tensors if tensor.name == name]
        return array

    @property
    def errors(self) -> list[str]:
        return [str(error, "utf-8") for error in self["IMAGE_ERROR"][:, 0]]


class TritonError(Exception):
    """As `pb_utils.TritonError` and `pb_utils.TritonModelException`."""

    INVALID_ARG = 3


@dataclass
class Log:
    """As `pb_utils.Logger`."""

    warnings: list[str] = field(default_factory=list)

    def log_warn(self, message: str) -> None:
        self.warnings.append(message)


Start = Callable[..., Any]
Model = Any  # `TritonPythonModel`, which is loaded from its file


@pytest.fixture(scope="module")
def folder(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model's folder in a release, with version 7."""
    model = tmp_path_factory.mktemp("preprocess")
    version = model / "7"
    shutil.copytree(checkout / "model_repository/preprocess/source", version, ignore=shutil.ignore_patterns("__pyc*"))
    definition = Preprocessing(
        resize=RESIZE,
        crop=CROP,
        interpolation="bicubic",
        mean=[0.5] * 3,
        std=[0.5] * 3,
        limits=ImageLimits(max_bytes=200_000, max_pixels=MAX_PIXELS),
    )
    (version / "preprocessing.json").write_text(definition.model_dump_json(), encoding="utf-8")
    dali_graph.serialise(definition, version)
    return model


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def start(folder: Path, log: Log, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts the model as Triton's stub does; ends what was started."""
    triton = ModuleType("triton_python_backend_utils")
    triton.__dict__.update(
        Tensor=Tensor,
        InferenceResponse=Response,
        MetricFamily=Metrics().family,
        TritonError=TritonError,
        TritonModelException=TritonError,
        Logger=log,
        get_input_tensor_by_name=lambda request, _: request,
    )
    package = ModuleType(PACKAGE)
    package.__path__ = [str(folder / "7")]
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", triton)
    monkeypatch.setitem(sys.modules, PACKAGE, package)
    module = importlib.import_module(f"{PACKAGE}.model")
    started: list[Model] = []

    def make(decoder: str | None = "dali", kind: str = "CPU", repository: Path = folder) -> Model:
        parameters = {"decoder": {"string_value": decoder}} if decoder else {}
        model = module.TritonPythonModel()
        model.initialize(
            {
                "model_config": json.dumps({"name": "preprocess", "parameters": parameters}),
                "model_instance_kind": kind,
                "model_instance_device_id": "0",
                "model_repository": str(repository),
                "model_version": "7",
            }
        )
        started.append(model)
        return model

    yield make
    for model in started:
        model.finalize()
    for name in [name for name in sys.modules if name.startswith(f"{PACKAGE}.")]:
        del sys.modules[name]


def photograph(width: int = 300, height: int = 200) -> Image.Image:
    with Image.open(PHOTOGRAPHS[1].path) as file:
        return file.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)


def encoded(kind: str = "JPEG", image: Image.Image | None = None, **options: Any) -> bytes:
    buffer = io.BytesIO()
    (image or photograph()).save(buffer, kind, **options)
    return buffer.getvalue()


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def with_thumbnail() -> bytes:
    """A JPEG with a whole JPEG in its header, as cameras write them."""
    body, thumbnail = encoded(), encoded(image=photograph(40, 30))
    segment = b"\xff\xe3" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    return body[:2] + segment + body[2:]


def broken_scan() -> bytes:
    """A JPEG with both ends, whose tables lead nowhere: DALI refuses it, and only when it decodes."""
    body = bytearray(encoded(quality=90))
    place = body.index(b"\xff\xc4") + 5
    body[place : place + 16] = b"\xff" * 16
    return bytes(body)


GOOD = {
    "JPEG": encoded(),
    "grey": encoded(image=photograph().convert("L")),
    "progressive": encoded(progressive=True),
    "turned": encoded(exif=turned(6)),
    "EXIF that cannot be read": encoded(exif=b"garbage"),
    "1x1": encoded(image=photograph(1, 1)),
    "a sliver": encoded(image=photograph(3, 400)),
    "bytes behind the end": encoded() + b"behind",
    "with a thumbnail": with_thumbnail(),
    "two pictures": encoded("MPO", save_all=True, append_images=[photograph(20, 20)]),
    "PNG": encoded("PNG"),
    "WebP": encoded("WEBP"),
    "CMYK": encoded(image=photograph().convert("CMYK")),
}
BAD = {
    "nothing": b"",
    "text": b"no image",
    "half": encoded()[:4000],
    "without its end": encoded()[:-2],
    "half, with a whole thumbnail": with_thumbnail()[:-2000],
    "too many pixels": encoded(image=Image.new("RGB", (1001, 1000))),
    "too many bytes": encoded() + bytes(200_000),
    "broken tables": broken_scan(),
}


def ask(model: Model, *bodies: bytes) -> Response:
    (response,) = model.execute([batch(*bodies)])
    assert isinstance(response, Response)
    return response


def batch(*bodies: bytes) -> Request:
    return Request("IMAGE", np.array(bodies, dtype=np.object_).reshape(-1, 1))


def distance(ours: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> float:
    return float(np.abs(ours.astype(np.int16) - theirs).mean())


@pytest.mark.parametrize("image", GOOD)
def test_pixels_are_those_of_the_cpu_form(start: Start, log: Log, image: str) -> None:
    dali, pillow = (ask(start(decoder), GOOD[image]) for decoder in ("dali", None))
    assert dali.errors == pillow.errors == [""]
    assert dali["PIXELS"].dtype == np.uint8
    # Scaled up a hundredfold, the two round slopes differently.
    assert distance(dali["PIXELS"], pillow["PIXELS"]) < (1 if image == "a sliver" else 0.05)
    assert log.warnings == []


@pytest.mark.parametrize("image", BAD)
def test_errors_are_those_of_the_cpu_form(start: Start, image: str) -> None:
    dali, pillow = (ask(start(decoder), BAD[image], GOOD["JPEG"]) for decoder in ("dali", "pillow"))
    assert dali.errors == pillow.errors
    assert dali.errors[0]
    assert dali.errors[1] == ""


def test_one_request_of_everything_answers_each_image_as_if_alone(start: Start) -> None:
    model = start()
    bodies = [*GOOD.values(), *BAD.values()]
    together = ask(model, *bodies)
    alone = [ask(model, body)["PIXELS"][0] for body in GOOD.values()]
    equal = [bool((pixels == other).all()) for pixels, other in zip(together["PIXELS"], alone, strict=False)]
    print(
        f"case 42: beside {len(BAD)} bad images {sum(equal)} of {len(GOOD)} good ones have the pixels they have alone"
    )
    assert equal == [True] * len(GOOD)
    assert [bool(error) for error in together.errors] == [False] * len(GOOD) + [True] * len(BAD)
    assert not together["PIXELS"][len(GOOD) :].any()


def test_jpegs_go_through_dali_and_the_rest_through_pillow(start: Start) -> None:
    model = start()
    taken: list[bytes] = []
    run = model._decoder._run

    def watched(bodies: list[bytes]) -> Any:
        taken.extend(bodies)
        return run(bodies)

    model._decoder._run = watched
    ask(model, *GOOD.values(), *(body for name, body in BAD.items() if name != "broken tables"))
    assert taken == [body for name, body in GOOD.items() if name not in ("PNG", "WebP", "CMYK")]


def test_a_damaged_image_costs_the_others_a_second_run_and_nothing_else(start: Start, log: Log) -> None:
    model = start()
    before = ask(model, GOOD["JPEG"])["PIXELS"]
    answer = ask(model, GOOD["JPEG"], BAD["broken tables"], GOOD["turned"])
    assert answer.errors[0] == answer.errors[2] == ""
    assert answer.errors[1].startswith("corrupt_image: ")
    assert (answer["PIXELS"][0] == before[0]).all()
    (warning,) = log.warnings
    assert warning.startswith("DALI refused a batch of 3")
    assert len(warning.splitlines()) == 1
    assert (ask(model, GOOD["JPEG"])["PIXELS"] == before).all()
    assert len(log.warnings) == 1


def test_what_dali_alone_refuses_goes_through_pillow(start: Start, log: Log) -> None:
    model, pillow = start(), start(None)

    def refuse(_: object) -> None:
        raise RuntimeError("no\nreason")

    model._decoder._run, model._decoder._start = refuse, lambda: None
    answer = ask(model, GOOD["JPEG"], GOOD["turned"])
    assert (answer["PIXELS"] == ask(pillow, GOOD["JPEG"], GOOD["turned"])["PIXELS"]).all()
    assert log.warnings == ["DALI refused a batch of 2, Pillow looks at it: no reason"]


def test_requests_that_run_as_one_batch_get_their_own_answers(start: Start) -> None:
    model = start()
    first, second, third = model.execute([batch(GOOD["JPEG"]), batch(BAD["half"]), batch(GOOD["PNG"], BAD["text"])])
    assert (first["PIXELS"] == ask(model, GOOD["JPEG"])["PIXELS"]).all()
    assert second.output_tensors == []
    assert second.error.args[0].startswith("[0] corrupt_image: ")
    assert third.errors[0] == ""
    assert third.errors[1].startswith("not_an_image: ")


def test_a_run_holds_no_more_pixels_than_its_budget_and_no_more_images_than_the_graph(start: Start) -> None:
    start()
    module: Any = sys.modules[f"{PACKAGE}.dali_decoder"]
    budget = module.MAX_PIXELS_A_RUN
    sizes = [budget, 1, budget - 1, 1, budget + 1, *[1] * 5]
    jpegs = [module._Jpeg(index, b"", size) for index, size in enumerate(sizes)]
    runs = [[jpeg.index for jpeg in run] for run in module._runs(jpegs, largest=3)]
    assert runs == [[0], [1, 2], [3], [4], [5, 6, 7], [8, 9]]


def test_an_unknown_decoder_is_refused(start: Start) -> None:
    with pytest.raises(TritonError, match=r"decoder 'nvjpeg' is none of pillow, dali"):
        start("nvjpeg")


def test_a_gpu_that_is_not_there_ends_the_start(start: Start) -> None:
    if Path("/dev/nvidia0").exists():
        pytest.skip("this machine has a GPU")
    with pytest.raises(RuntimeError, match="CUDA"):
        start(kind="GPU")


def test_the_cpu_form_never_imports_dali(start: Start) -> None:
    start(None)
    assert f"{PACKAGE}.pillow_decoder" in sys.modules
    assert f"{PACKAGE}.dali_decoder" not in sys.modules


def test_without_dali_the_gpu_form_says_what_to_install(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nvidia.dali", None)
    with pytest.raises(TritonError, match=r"pip install nvidia-dali-cuda130"):
        start()


# What changes a few bytes of, the two libraries judge as they like; the contract is that nothing else happens.
def test_mutated_jpegs_give_pixels_or_an_error_and_mostly_those_of_the_cpu_form(start: Start) -> None:
    dali, pillow = start(), start(None)
    rng = np.random.default_rng(20)
    original = GOOD["JPEG"]
    agreeing = 0
    for _ in range(60):
        body = bytearray(original)
        for place in rng.integers(0, len(body), rng.integers(1, 6)):
            body[place] = rng.integers(0, 256)
        ours, theirs = (ask(model, GOOD["1x1"], bytes(body)) for model in (dali, pillow))
        assert ours.errors[0] == ""
        agreeing += ours.errors == theirs.errors
    print(f"case 40: {agreeing} of 60 mutated JPEGs are judged alike by DALI and Pillow")
    assert agreeing >= 57
