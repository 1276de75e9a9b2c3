"""Container images made on this machine, without a registry: an archive as `ctr images import` reads it."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

PAUSE = "triptych.test/pause:1"
BUSYBOX = "triptych.test/busybox:1"

NOBODY = 65534


def write_image(archive: Path, name: str, layers: Sequence[Path], config: Mapping[str, object]) -> None:
    """Write an image of these layers (tar files, lowest first) in the OCI layout.

    name: with its tag, e.g. `triptych.test/pause:1`
    config: the OCI image's, such as Entrypoint, Env, User and WorkingDir
    """
    described = [_described(layer) for layer in layers]
    configuration = _bytes(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": dict(config),
            "rootfs": {"type": "layers", "diff_ids": [digest for digest, _ in described]},
        }
    )
    manifest = _bytes(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _descriptor("application/vnd.oci.image.config.v1+json", _digest(configuration), configuration),
            "layers": [
                {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest, "size": size_bytes}
                for digest, size_bytes in described
            ],
        }
    )
    descriptor = _descriptor("application/vnd.oci.image.manifest.v1+json", _digest(manifest), manifest)
    annotations = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name.rpartition(":")[2]}
    index = _bytes({"schemaVersion": 2, "manifests": [{**descriptor, "annotations": annotations}]})
    part = archive.with_suffix(".part")
    with tarfile.open(part, "w") as tar:
        for content in (configuration, manifest):
            _add(tar, _blob(_digest(content)), content)
        for layer, (digest, _) in zip(layers, described, strict=True):
            tar.add(layer, arcname=_blob(digest))
        _add(tar, "index.json", index)
        _add(tar, "oci-layout", _bytes({"imageLayoutVersion": "1.0.0"}))
    part.rename(archive)


def write_layer(layer: Path, files: Mapping[str, Path], folders: Mapping[str, int]) -> None:
    """A layer of these files, executable, and empty folders with their modes."""
    with tarfile.open(layer, "w") as tar:
        for name, mode in folders.items():
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, mode
            tar.addfile(folder)
        for name, file in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = file.stat().st_size, 0o755
            with file.open("rb") as content:
                tar.addfile(entry, content)


def write_small_images(folder: Path, programs: Path) -> None:
    """The pause image that each pod needs, and one with busybox, whose `httpd` answers HTTP."""
    folder.mkdir(exist_ok=True)
    layers = {name: folder / f"{name}.layer" for name in ("pause", "busybox")}
    write_layer(layers["pause"], {"pause": programs / "usr/bin/catatonit"}, {})
    pause = {"Entrypoint": ["/pause", "-P"], "User": str(NOBODY)}
    write_image(folder / "pause.tar", PAUSE, [layers["pause"]], pause)
    busybox = {"bin/busybox": programs / "bin/busybox"}
    write_layer(layers["busybox"], busybox, {"bin": 0o755, "tmp": 0o1777, "www": 0o755})
    config = {"Entrypoint": ["/bin/busybox"], "User": str(NOBODY), "Env": ["PATH=/bin"]}
    write_image(folder / "busybox.tar", BUSYBOX, [layers["busybox"]], config)
    for layer in layers.values():
        layer.unlink()


def _described(layer: Path) -> tuple[str, int]:
    with layer.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return f"sha256:{digest}", layer.stat().st_size


def _descriptor(media_type: str, digest: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _bytes(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, sort_keys=True).encode()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))
