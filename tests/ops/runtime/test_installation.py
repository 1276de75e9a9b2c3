from pathlib import Path

import pytest

from small_disk import needs_root, small_disk
from triptych_ops.errors import MissingError, OpsError
from triptych_ops.runtime import find_installation
from triptych_ops.runtime.installation import Installation


def whole_installation(root: Path, *backends: str) -> Path:
    """A tritonserver of the container's layout; its path."""
    binary = root / "bin" / "tritonserver"
    binary.parent.mkdir(parents=True)
    binary.touch(mode=0o755)
    for backend in backends:
        (root / "backends" / backend).mkdir(parents=True)
        (root / "backends" / backend / f"libtriton_{backend}.so").write_text("native")
    return binary


def test_the_wheels_server_is_found() -> None:
    found = find_installation({})
    assert found.binary.name == "tritonserver"
    assert found.stub is not None
    assert found.stub.is_file()
    assert found.libraries
    assert all(folder.is_dir() for folder in found.libraries)


def test_a_named_server_goes_first(tmp_path: Path) -> None:
    binary = whole_installation(tmp_path, "python")
    assert find_installation({"TRIPTYCH_TRITON": str(binary)}) == Installation(binary, tmp_path / "backends")


@pytest.mark.parametrize("name", ["missing", "folder", "text"])
def test_a_name_that_is_no_program_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").touch(mode=0o644)
    with pytest.raises(MissingError, match=r"TRIPTYCH_TRITON=.* is not a program"):
        find_installation({"TRIPTYCH_TRITON": str(tmp_path / name)})


def test_a_server_without_backends_is_refused(tmp_path: Path) -> None:
    binary = whole_installation(tmp_path)
    with pytest.raises(MissingError, match="has no backends"):
        find_installation({"TRIPTYCH_TRITON": str(binary)})


def test_our_backend_stands_in_where_the_native_one_is_missing(tmp_path: Path) -> None:
    find_installation({}).lay_out_backends(tmp_path / "laid")
    assert (tmp_path / "laid/onnxruntime/model.py").is_file()
    assert (tmp_path / "laid/python/triton_python_backend_stub").is_file()
    assert not (tmp_path / "laid/python/libtriton_python.so").is_symlink()  # Triton refuses a link out of it


def test_the_native_backend_is_left_alone(tmp_path: Path) -> None:
    binary = whole_installation(tmp_path / "triton", "python", "onnxruntime")
    find_installation({"TRIPTYCH_TRITON": str(binary)}).lay_out_backends(tmp_path / "laid")
    assert (tmp_path / "laid/onnxruntime/libtriton_onnxruntime.so").read_text() == "native"
    assert not (tmp_path / "laid/onnxruntime/model.py").exists()
    assert (tmp_path / "triton/backends/onnxruntime").is_dir()


@needs_root
def test_a_full_disk_is_named_by_the_file_that_is_written(tmp_path: Path) -> None:
    with small_disk(tmp_path, size_bytes=64 * 1024):
        target = tmp_path / "backends"
        with pytest.raises(OpsError) as caught:
            find_installation({}).lay_out_backends(target)
    assert str(caught.value).startswith(f"{target}/python/")
    assert "cannot be written: No space left on device; free some space" in str(caught.value)
