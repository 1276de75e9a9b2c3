"""The `preprocess` model of the CPU form, beside a stand-in for Triton's module."""

import importlib
import io
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from python_backend import Metrics, Request, Tensor
from triptych import contract
from triptych_ops.preprocessing import Preprocessing

CROP = 32
PACKAGE = "preprocess_of_the_cpu_form"

CODES = ("corrupt_image", "empty_image", "image_too_large", "not_an_image")

Start = Callable[..., Any]


@dataclass
class Response:
    """As `pb_utils.InferenceResponse`."""

    output_tensors: list[Tensor]
    error: Any = None

    def __getitem__(self, name: str) -> NDArray[Any]:
        (array,) = [tensor.as_numpy() for tensor in self.output_tensors if tensor.name == name]
        return array


class TritonError(Exception):
    """As `pb_utils.TritonError` and `pb_utils.TritonModelException`."""

    INVALID_ARG = 3


@pytest.fixture
def warnings_logged() -> list[str]:
    return []


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def start(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warnings_logged: list[str], metrics: Metrics
) -> Iterator[Start]:
    """Starts the model as Triton's stub does, with parameters of its configuration; ends what was started."""
    version = tmp_path / "preprocess" / "7"
    shutil.copytree(checkout / "model_repository/preprocess/source", version, ignore=shutil.ignore_patterns("__pyc*"))
    definition = Preprocessing(resize=36, crop=CROP, interpolation="bicubic", mean=[0.5] * 3, std=[0.5] * 3)
    (version / "preprocessing.json").write_text(definition.model_dump_json(), encoding="utf-8")
    triton = ModuleType("triton_python_backend_utils")
    triton.__dict__.update(
        Tensor=Tensor,
        InferenceResponse=Response,
        MetricFamily=metrics.family,
        TritonError=TritonError,
        TritonModelException=TritonError,
        Logger=SimpleNamespace(log_warn=warnings_logged.append),
        get_input_tensor_by_name=lambda request, _: request,
    )
    package = ModuleType(PACKAGE)
    package.__path__ = [str(version)]
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", triton)
    monkeypatch.setitem(sys.modules, PACKAGE, package)
    started = []

    def make(**parameters: str) -> Any:
        config = {"parameters": {name: {"string_value": value} for name, value in parameters.items()}}
        model = importlib.import_module(f"{PACKAGE}.model").TritonPythonModel()
        model.initialize(
            {
                "model_config": json.dumps(config),
                "model_instance_kind": "CPU",
                "model_repository": str(version.parent),
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


def picture(grey: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (50, 40), (grey, grey, grey)).save(buffer, "PNG")
    return buffer.getvalue()


def request(*bodies: bytes) -> Request:
    return Request("IMAGE", np.array(bodies, dtype=np.object_).reshape(-1, 1))


def greys(response: Response) -> list[int]:
    assert response["PIXELS"].dtype == np.uint8
    assert response["PIXELS"].shape[1:] == (CROP, CROP, 3)
    assert response["PIXELS"].flags.c_contiguous
    return [int(pixels[0, 0, 0]) for pixels in response["PIXELS"]]


@pytest.mark.parametrize("threads", ["0", "1", "3"])
def test_requests_that_run_together_get_their_own_answers(start: Start, threads: str) -> None:
    model = start(decode_threads=threads)
    alone, several, bad, mixed = model.execute(
        [request(picture(9)), request(picture(1), picture(2)), request(b"x", b""), request(b"x", picture(5))]
    )
    assert greys(alone) == [9]
    assert greys(several) == [1, 2]
    assert bad.output_tensors == []
    assert bad.error.args[0].startswith("[0] not_an_image: ")
    assert bad.error.args[1] == TritonError.INVALID_ARG
    assert greys(mixed) == [0, 5]
    assert [bytes(error[0]).split(b":")[0] for error in mixed["IMAGE_ERROR"]] == [b"not_an_image", b""]


def test_what_is_rejected_is_counted_by_its_code_but_for_questions_of_health(start: Start, metrics: Metrics) -> None:
    model = start()
    health = request(b"x")
    health.id = f"{contract.HEALTH_ID}7"
    model.execute([request(b"x", b""), request(b"x", picture(5)), health])
    model.finalize()
    counted = {code: metrics.value("triptych_image_errors_total", release="7", code=code) for code in CODES}
    assert counted == {"not_an_image": 2, "empty_image": 1, "corrupt_image": 0, "image_too_large": 0}


def test_every_code_is_a_counter_from_the_start(checkout: Path, decoding: ModuleType) -> None:
    sources = (checkout / "model_repository/preprocess/source").glob("*.py")
    raised = {code for file in sources for code in re.findall(r'ImageRejectedError\("(\w+)"', file.read_text("utf-8"))}
    assert raised == set(CODES) == set(decoding.CODES)


@pytest.mark.parametrize("threads", ["many", "-1", "1.5", ""])
def test_a_number_of_threads_that_is_none_ends_the_start(start: Start, threads: str) -> None:
    with pytest.raises(TritonError, match=f"decode_threads '{threads}' is no number of threads"):
        start(decode_threads=threads)


@pytest.mark.parametrize(
    ("module", "package"), [("simplejpeg", "simplejpeg"), ("cykooz_resizer", "cykooz-resizer")], ids=str
)
def test_without_a_fast_package_the_start_says_so_and_pillow_does_its_work(
    start: Start, monkeypatch: pytest.MonkeyPatch, warnings_logged: list[str], module: str, package: str
) -> None:
    pytest.importorskip(module)
    monkeypatch.setitem(sys.modules, module, None)
    (response,) = start().execute([request(picture(7))])
    assert greys(response) == [7]
    assert warnings_logged == [f"images take twice the time without {package}; pip install it"]


def test_with_all_packages_the_start_says_nothing(start: Start, warnings_logged: list[str]) -> None:
    start()
    assert warnings_logged == []
