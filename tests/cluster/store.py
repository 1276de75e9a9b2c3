"""The releases of the cluster's tests, in an object store that pods reach."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import s3fs

from cluster.addresses import MACHINE
from commands import triptych
from object_store import BUCKET, ObjectStore, object_store

URL = f"s3://{BUCKET}/releases"
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

    def flip_a_byte(self, number: int, file: str) -> None:
        """Alter a published file, or make it again what it was."""
        path = f"{URL}/releases/{number}/{file}"
        keys = self.objects.environment()
        files = s3fs.S3FileSystem(
            endpoint_url=self.objects.url, key=keys["AWS_ACCESS_KEY_ID"], secret=keys["AWS_SECRET_ACCESS_KEY"]
        )
        content = bytearray(files.cat_file(path))
        content[len(content) // 2] ^= 1
        files.pipe_file(path, bytes(content))


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


def _manifest(number: int, objects: ObjectStore) -> str:
    shown = json.loads(_done(("release", "show", str(number), "--store", URL, "--json"), objects))
    digest: str = shown["manifest_sha256"]
    return digest


def _done(command: tuple[object, ...], objects: ObjectStore) -> str:
    done = triptych(*command, env=objects.environment())
    assert done.returncode == 0, done.stderr
    return done.stdout
