"""What a wheel carries beyond Python modules."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=checkout, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return zipfile.Path(built)


def test_the_model_sources_travel_in_the_wheel(wheel: zipfile.Path, checkout: Path) -> None:
    sources = checkout / "model_repository"
    wanted = [*sources.rglob("*.pbtxt"), *sources.rglob("source/*.py")]
    assert {path.name for path in wanted} >= {"config.pbtxt", "gpu.pbtxt", "model.py", "image_pipeline.py"}
    for path in wanted:
        packed = wheel / "triptych_ops" / "model_repository" / path.relative_to(sources).as_posix()
        assert packed.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    "name",
    [
        "loadtests/engine/process.py",
        "loadtests/locustfile.py",
        "triptych/py.typed",
        "triptych/health.jpg",
        "triptych_ops/photographs/coffee.png",
        "triptych_ops/card/templates/card.css",
        "triptych_ops/runtime/backends/onnxruntime/model.py",
    ],
)
def test_what_is_read_at_run_time_travels_in_the_wheel(wheel: zipfile.Path, name: str) -> None:
    assert (wheel / name).exists()


@pytest.mark.parametrize("name", ["loadtests/benchmark", "loadtests/peers", "tests"])
def test_what_needs_a_checkout_stays_there(wheel: zipfile.Path, name: str) -> None:
    assert not (wheel / f"{name}/").exists()
