"""The releases of the cluster's tests, in an object store that pods reach."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import s3fs

from cluster.addresses import MACHINE
from commands import triptych
from object_store import BUCKET, ObjectStore, object_store
from triptych_ops.rollout.state import Binding

URL = f"s3://{BUCKET}/releases"
ANOTHER_URL = f"s3://{BUCKET}/another"
"""A store whose first release is not the other one's."""
SECRET = "store"  # noqa: S105


@dataclass(frozen=True, slots=True)
class PublishedReleases:
    """Releases 1 and 2, of the same network; the second gives three classes in an answer, the first five."""

    objects: ObjectStore
    manifests: Mapping[int, str]

    @property
    def port(self) -> int:
        """Where the object store listens."""
        return int(self.objects.url.rpartition(":")[2])

    def secret(self) -> Mapping[str, object]:
        """The Secret `store`: what a pod reads the store with."""
        settings = dict(self.objects.environment(user="reader"))
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": SECRET}, "stringData": settings}

    def wrong_labels(self, folder: Path, *, store: str = URL) -> Binding:
        """The next release of a store: the same network, its labels in another order; it takes half a minute."""
        names = str(self._files().cat_file(_path(1, "repository/postprocess/1/labels.txt")), "utf-8").splitlines()
        Random(0).shuffle(names)  # noqa: S311  repeatable, not secret
        file = folder / "labels.txt"
        file.write_text("\n".join(names) + "\n", encoding="utf-8")
        built = json.loads(_done(("build", "--labels", file, "--store", store, "--json"), self.objects))
        number = int(built["release"])
        return Binding(release=number, manifest_sha256=_manifest(number, self.objects, store=store))

    def flip_a_byte(self, number: int, file: str) -> None:
        """Alter a published file, or make it again what it was."""
        path, files = _path(number, file), self._files()
        content = bytearray(files.cat_file(path))
        content[len(content) // 2] ^= 1
        files.pipe_file(path, bytes(content))

    def _files(self) -> s3fs.S3FileSystem:
        keys = self.objects.environment()
        return s3fs.S3FileSystem(
            endpoint_url=self.objects.url, key=keys["AWS_ACCESS_KEY_ID"], secret=keys["AWS_SECRET_ACCESS_KEY"]
        )


@contextmanager
def published_releases(folder: Path) -> Iterator[PublishedReleases]:
    """Build them, or take them from the store in `TRIPTYCH_TEST_STORE`, and publish them, until it is left."""
    with object_store(folder, address=MACHINE) as objects:
        local = os.environ.get("TRIPTYCH_TEST_STORE") or _build(folder / "built")
        for number in ("1", "2"):
            command = ("release", "publish", number, "--store", local, "--to", URL)
            _done(command, objects)
        yield PublishedReleases(objects, {number: _manifest(number, objects) for number in (1, 2)})


def _build(store: Path) -> Path:
    for options in ((), ("--top-k", "3")):
        done = triptych("build", "--store", store, *options)
        assert done.returncode == 0, done.stderr
    return store


def _path(number: int, file: str) -> str:
    return f"{URL}/releases/{number}/{file}"


def _manifest(number: int, objects: ObjectStore, *, store: str = URL) -> str:
    shown = json.loads(_done(("release", "show", str(number), "--store", store, "--json"), objects))
    digest: str = shown["manifest_sha256"]
    return digest


def _done(command: tuple[object, ...], objects: ObjectStore) -> str:
    done = triptych(*command, env=objects.environment())
    assert done.returncode == 0, done.stderr
    return done.stdout
