"""Which tritonserver runs, and what it needs around it."""

import importlib.util
import os
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from ctypes.util import find_library
from dataclasses import dataclass
from pathlib import Path

from triptych_ops.errors import MissingError, OpsError, reason

VARIABLE = "TRIPTYCH_TRITON"
CONTAINER_BINARY = Path("/opt/tritonserver/bin/tritonserver")  # NVIDIA's image
# Decoded images come and go by the hundred kilobytes. By default the C library gives such pieces back to the kernel
# each time, and its page faults were a fifth of the work of `preprocess`. See mallopt(3).
_ALLOCATION = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(64 << 20)}  # bytes
_OWN_BACKENDS = Path(__file__).parent / "backends"


@dataclass(frozen=True, slots=True)
class Installation:
    """A tritonserver binary with its backends.

    stub:      python backend stub to lay beside the backend; None where the installation has its own
    libraries: for LD_LIBRARY_PATH, before those of the environment
    """

    binary: Path
    backends: Path
    stub: Path | None = None
    libraries: tuple[Path, ...] = ()

    def lay_out_backends(self, folder: Path) -> None:
        """Make the new `folder` a backend directory: the installation's backends, and ours where it lacks one.

        Ours is the python-based `onnxruntime`, for installations without the native one.

        Raises:
            OpsError: a file cannot be copied into it.
        """
        folder.mkdir()
        for backend in self.backends.iterdir():
            if backend.name == "python":
                # Copied, 3 MB: Triton refuses a python-based backend whose library is a link out of the directory.
                shutil.copytree(backend, folder / backend.name, copy_function=_copy)
            else:
                (folder / backend.name).symlink_to(backend)
        if self.stub:
            _copy(self.stub, folder / "python" / self.stub.name)
        for backend in _OWN_BACKENDS.iterdir():
            if not (folder / backend.name).exists():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(backend, folder / backend.name, ignore=ignored, copy_function=_copy)

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The server's environment: its libraries, this Python for its stubs, memory kept for the next image."""
        # sys.prefix, not the resolved executable: a stub finds its packages through the environment's python3.
        path = f"{Path(sys.prefix) / 'bin'}:{environ.get('PATH', os.defpath)}"
        libraries = [*map(str, self.libraries), environ.get("LD_LIBRARY_PATH", "")]
        return {**_ALLOCATION, **environ, "PATH": path, "LD_LIBRARY_PATH": ":".join(filter(None, libraries))}


def _copy(source: str | Path, target: str | Path) -> None:
    """Copy a file with its permissions. `shutil` names the source where the disk of the target is full.

    Raises:
        OpsError: it cannot be copied; shutil.copytree collects errors of the system, and raises this one as it is.
    """
    try:
        shutil.copy2(source, target)
    except OSError as error:
        raise OpsError(
            f"{target} cannot be written: {reason(error)}; free some space, or choose another folder with TMPDIR"
        ) from error


def find_installation(environ: Mapping[str, str]) -> Installation:
    """The tritonserver to run: `TRIPTYCH_TRITON`, else NVIDIA's container, else the nvidia-pytriton wheel.

    Raises:
        MissingError: none is there, or `TRIPTYCH_TRITON` names no program.
    """
    if named := environ.get(VARIABLE):
        binary = Path(named).resolve()  # or Popen would look for a bare name in PATH
        if not (binary.is_file() and os.access(binary, os.X_OK)):
            raise MissingError(f"{VARIABLE}={named} is not a program; name a tritonserver binary or unset it")
        return Installation(binary, _backends_of(binary))
    if CONTAINER_BINARY.is_file():
        return Installation(CONTAINER_BINARY, _backends_of(CONTAINER_BINARY))
    return _from_wheel()


def _backends_of(binary: Path) -> Path:
    backends = binary.resolve().parent.parent / "backends"
    if not backends.is_dir():
        raise MissingError(f"{binary} has no backends at {backends}; name the tritonserver of a whole installation")
    return backends


def _from_wheel() -> Installation:
    spec = importlib.util.find_spec("pytriton")  # located, never imported: only its files are needed
    if spec is None or spec.origin is None:
        raise MissingError(f"there is no tritonserver; run: pip install 'triptych[serve]', or name one in {VARIABLE}")
    package = Path(spec.origin).parent
    root = package / "tritonserver"
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    stub = root / "python_backend_stubs" / python / "triton_python_backend_stub"
    if not stub.is_file():
        raise MissingError(f"nvidia-pytriton has no stub for Python {python}; use Python 3.11 or 3.12")
    libraries = (package.parent / "nvidia_pytriton.libs", *_python_library(python))
    return Installation(root / "bin" / "tritonserver", root / "backends", stub, libraries)


def _python_library(python: str) -> tuple[Path, ...]:
    """The folder of this Python's shared library, which the stub is linked to; none where the system has one."""
    folder = Path(sysconfig.get_config_var("LIBDIR") or "")
    if (folder / f"libpython{python}.so.1.0").is_file():
        return (folder,)
    if find_library(f"python{python}"):
        return ()
    raise MissingError(
        f"Triton's python backend needs libpython{python}.so.1.0, which this Python was built without; "
        f"run: apt-get install libpython{python}"
    )
