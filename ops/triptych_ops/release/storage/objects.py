"""A prefix of a bucket in an object store that speaks S3, configured by the standard AWS_* variables."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import gettempdir
from typing import Any, Self, TypeVar

import s3fs  # noqa: F401  fsspec loads it as well, but does not name it where it is missing
from fsspec.asyn import sync
from fsspec.core import url_to_fs
from typing_extensions import override

from triptych_ops.errors import OpsError, UsageError
from triptych_ops.scratch import scratch_folder

from . import failures
from .base import LARGEST_READ_BYTES, RemoteStorage

_Answer = TypeVar("_Answer")

# At most 3 x 8 s and the waits between: an endpoint that takes connections and says nothing ends in half a minute.
_CONNECTION: dict[str, Any] = {
    "connect_timeout": 5,  # seconds
    "read_timeout": 8,  # seconds without a byte
    "retries": {"mode": "standard", "total_max_attempts": 3},
}
_RANGE_BYTES = 4 << 20
_RANGES = 4  # of one file at a time
_ATTEMPTS = 3  # for a body that breaks off; the attempts above are for its beginning
_PART_BYTES = 16 << 20  # a larger file is sent in parts
_REMOVERS = 8


class ObjectStorage(RemoteStorage):
    """Exclusive by a conditional put (`If-None-Match: *`); listings are read anew each time."""

    def __init__(self, location: str) -> None:
        bucket = location.removeprefix("s3://").split("/")[0]
        if not bucket:
            raise UsageError(f"{location!r} names no bucket; write s3://BUCKET/PREFIX")
        filesystem, root = url_to_fs(
            location.rstrip("/"), use_listings_cache=False, max_concurrency=1, config_kwargs=_CONNECTION
        )
        filesystem.retries = 1  # botocore's own attempts are enough; together they multiply
        super().__init__(filesystem, root, location.rstrip("/"))
        self.bucket = bucket

    @override
    def below(self, name: str) -> Self:
        return type(self)(self.where(name))

    @override
    def identity(self) -> str:
        endpoint = failures.endpoint()
        return f"{self.location} at {endpoint}" if endpoint else self.location

    @override
    def exists(self) -> bool:
        with self._failures():
            self.filesystem.call_s3("list_objects_v2", Bucket=self.bucket, MaxKeys=1)
        return True

    @override
    def read(self, name: str) -> bytes | None:
        key = self._path(name).partition("/")[2]

        async def content() -> bytes:
            answer = await self.filesystem._call_s3("get_object", Bucket=self.bucket, Key=key)
            try:
                if answer["ContentLength"] > LARGEST_READ_BYTES:
                    raise self._not_readable(name)
                body: bytes = await answer["Body"].read()
            finally:
                answer["Body"].close()
            return body

        try:
            found: bytes = self._attempted(name, partial(sync, self.filesystem.loop, content))
        except FileNotFoundError:
            return None
        return found

    @override
    def matching(self, pattern: str) -> dict[str, int]:
        fixed = pattern.split("*")[0].rpartition("/")[0]
        depth = len(PurePosixPath(pattern).parts)
        found = {PurePosixPath(name): size for name, size in self._find(fixed).items()}
        return {str(name): size for name, size in found.items() if len(name.parts) == depth and name.match(pattern)}

    @override
    def folders(self, name: str) -> list[str]:
        depth = len(PurePosixPath(name).parts)
        paths = (PurePosixPath(found).parts for found in self._find(name))
        return sorted({parts[depth] for parts in paths if len(parts) > depth + 1})

    @override
    def files(self) -> list[str]:
        return list(self._find(""))

    def _find(self, name: str) -> dict[str, int]:
        """Every file below a folder, sorted, and its size."""
        with self._failures():
            found = self.filesystem.find(self._path(name), detail=True)
        # Some servers list a folder, that of the name itself too, as an object.
        sizes = {path: info["size"] for path, info in found.items() if info["type"] == "file"}
        below = (path for path in sorted(sizes) if path.startswith(f"{self._root}/") and not path.endswith("/"))
        return {path.removeprefix(f"{self._root}/"): sizes[path] for path in below}

    @override
    def chunks(self, name: str) -> Iterator[bytes]:
        path = self._path(name)
        with self._failures():
            size = self.filesystem.info(path)["size"]
        starts = range(0, size, _RANGE_BYTES)
        for first in range(0, len(starts), _RANGES):
            some = starts[first : first + _RANGES]
            ends = [min(start + _RANGE_BYTES, size) for start in some]
            read = partial(self.filesystem.cat_ranges, [path] * len(some), list(some), ends, on_error="raise")
            bodies: list[bytes] = self._attempted(name, read)
            yield from bodies

    def _attempted(self, name: str, read: Callable[[], _Answer]) -> _Answer:
        """What `read` gives, again where the body breaks off on its way."""
        broken: BaseException | None = None
        for _ in range(_ATTEMPTS):
            with self._failures():
                try:
                    return read()
                except failures.BROKEN_OFF as error:
                    broken = error
        words = " ".join(str(broken).split())
        raise OpsError(f"{self.where(name)} breaks off each time that it is read: {words}; try again") from broken

    @override
    def create(self, name: str, content: bytes) -> bytes | None:
        for _ in range(_ATTEMPTS):
            with self._failures():
                try:
                    self.filesystem.pipe_file(self._path(name), content, mode="create")
                except OSError as error:
                    if failures.code(error) not in failures.TAKEN:
                        raise
                else:
                    return None
            # The same content is ours: the put was made, and its answer got lost before a second attempt.
            if (present := self.read(name)) is not None:
                return None if present == content else present
        raise OpsError(f"{self.where(name)} is written by others all the time; try again")

    @override
    def replace(self, name: str, content: bytes) -> None:
        with self._failures():
            self.filesystem.pipe_file(self._path(name), content)

    @override
    def upload(self, name: str, chunks: Iterator[bytes], *, size: int) -> None:
        with self._failures():
            if size <= _PART_BYTES:
                self.filesystem.pipe_file(self._path(name), b"".join(chunks))
                return
            file = self.filesystem.open(self._path(name), "wb", block_size=_PART_BYTES, autocommit=False)
            try:
                for chunk in chunks:
                    file.write(chunk)
                file.close()
                file.commit()
            except BaseException:
                file.discard()
                file.closed = True  # else its end would send the rest
                raise

    @override
    def remove(self, name: str) -> None:
        with self._failures():
            self.filesystem.rm_file(self._path(name))

    @override
    def remove_all(self, name: str, *, last: str) -> None:
        with ThreadPoolExecutor(_REMOVERS) as removers:
            list(removers.map(self.remove, self._find(name).keys() - {f"{name}/{last}"}))
        self.remove(f"{name}/{last}")

    @override
    def remove_parts(self) -> None:
        own = "/".join(filter(None, (self._root.partition("/")[2], "releases", "")))  # others use the bucket, too
        with self._failures():
            answer = self.filesystem.call_s3("list_multipart_uploads", Bucket=self.bucket, Prefix=own)
            for upload in answer.get("Uploads", []):
                if upload["Key"].startswith(own):
                    self.filesystem.call_s3(
                        "abort_multipart_upload", Bucket=self.bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                    )

    @override
    def staging(self) -> AbstractContextManager[Path]:
        return scratch_folder(Path(gettempdir()), prefix="triptych-release-")

    @override
    @contextmanager
    def _failures(self) -> Iterator[None]:
        with failures.translated(self.location, self.bucket):
            yield
