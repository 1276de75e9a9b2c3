"""Digests of a release's files: taken when it is built, compared whenever it is moved or served.

What is copied is what was hashed: each piece is read once, and hashed in another thread while it is written.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

from triptych_ops.errors import RefusedError
from triptych_ops.scratch import is_scratch

from .manifest import FileDigest
from .storage import Storage, open_storage

Progress = Callable[[int], object]  # told how many bytes were moved since the last call

MANIFEST = "release.json"
SIGNATURE = "release.sig"
REPOSITORY = "repository"
PULL_SCRATCH = ".pull-"  # begins what a pull stages in

_FLUSH_BYTES = 32 << 20  # the disk works from early on, instead of all at the end
_FILES = 4  # moved at the same time: one is most of the bytes, the others would wait for it


def is_of_the_disk(name: str) -> bool:
    """Whether this, beside a release in a folder of its own, is no part of it: of the mounted disk, or of a pull."""
    return name == "lost+found" or is_scratch(name, prefix=PULL_SCRATCH)


def quiet(_bytes: int) -> None:
    """Progress that nobody watches."""


def digest(path: Path) -> FileDigest:
    """SHA-256 and size of one file."""
    with path.open("rb") as file:
        return FileDigest(sha256=hashlib.file_digest(file, "sha256").hexdigest(), size=path.stat().st_size)


def digests(folder: Path) -> dict[str, FileDigest]:
    """Every file below `folder`, by its path with slashes, sorted.

    Raises:
        RefusedError: something below is neither a folder nor a plain file of its own.
    """
    return {name: digest(folder / name) for name in open_storage(folder).files()}


def require_names(storage: Storage, expected: Iterable[str]) -> None:
    """Whether a release's root holds exactly these files, its manifest and maybe a signature.

    Raises:
        RefusedError: names the first that is missing or additional, or no plain file.
    """
    wanted = set(expected)
    found = set(storage.files()) - {MANIFEST, SIGNATURE}
    for name in sorted(wanted ^ found):
        raise refused(storage.where(name), "is missing" if name in wanted else "is not in the manifest")


def verify(storage: Storage, expected: Mapping[str, FileDigest], *, progress: Progress = quiet) -> None:
    """Compare what lies below a release's root with its manifest.

    Raises:
        RefusedError: names the first file that is missing, additional, altered, or no plain file.
    """
    require_names(storage, expected)

    def read(_name: str, chunks: Iterator[bytes]) -> None:
        for chunk in chunks:
            progress(len(chunk))

    each_checked(storage, expected, read)


def copy(
    storage: Storage,
    expected: Mapping[str, FileDigest],
    target: Path,
    *,
    durable: bool = False,
    progress: Progress = quiet,
) -> None:
    """Copy these files of a release into the folder `target`, comparing each as it is copied.

    So the copy is what was checked, whatever happens to the release meanwhile. With `durable` the copy is on the
    disk afterwards, not only on its way.

    Raises:
        RefusedError: names the first file that is missing or altered.
    """
    for folder in sorted({(target / name).parent for name in expected}):
        folder.mkdir(parents=True, exist_ok=True)

    def write(name: str, chunks: Iterator[bytes]) -> None:
        path = target / name
        try:
            with path.open("xb", buffering=0) as file:
                _write(file.fileno(), chunks, flusher if durable else None, progress)
        except OSError as error:  # a write does not say where
            raise OSError(error.errno, error.strerror, error.filename or str(path)) from error

    with ThreadPoolExecutor(_FILES) as flusher:
        each_checked(storage, expected, write)


def each_checked(
    storage: Storage, expected: Mapping[str, FileDigest], use: Callable[[str, Iterator[bytes]], object]
) -> None:
    """Give each file's pieces to `use`, several files at a time; the last piece comes once the digest is right.

    Raises:
        RefusedError: names the first file, by its name, that is missing or altered.
    """
    largest_first = sorted(expected, key=lambda name: -expected[name].size)
    with ThreadPoolExecutor(_FILES) as movers, ThreadPoolExecutor(_FILES) as hashers:
        moved = {
            name: movers.submit(use, name, _checked(storage, name, expected[name], hashers)) for name in largest_first
        }
        try:
            for name in sorted(moved):
                moved[name].result()
        except BaseException:
            movers.shutdown(wait=True, cancel_futures=True)
            raise


def _checked(storage: Storage, name: str, expected: FileDigest, hashers: Executor) -> Iterator[bytes]:
    """The pieces of a file, each hashed while the caller uses it and the next is read."""
    sha256, size, last, hashing = hashlib.sha256(), 0, b"", None
    altered = refused(storage.where(name), "was altered: its SHA-256 is not the manifest's")
    try:
        for chunk in storage.chunks(name):
            if last:
                yield last
            if hashing:
                hashing.result()
            hashing, last = hashers.submit(sha256.update, chunk), chunk
            size += len(chunk)
            if size > expected.size:  # a file that grows is not followed
                raise altered
    except FileNotFoundError as error:
        raise refused(storage.where(name), "is missing") from error
    if hashing:
        hashing.result()
    if (sha256.hexdigest(), size) != (expected.sha256, expected.size):
        raise altered
    if last:
        yield last


def refused(where: str, problem: str) -> RefusedError:
    """What is said of a file of a release that is not as it should be."""
    return RefusedError(f"{where} {problem}; the release is refused, build or pull it again")


def _write(descriptor: int, chunks: Iterator[bytes], flusher: Executor | None, progress: Progress) -> None:
    """Write pieces to a file; with a `flusher`, each stretch is flushed to the disk while the next is written."""
    unflushed_bytes, flushing = 0, None
    for chunk in chunks:
        rest = memoryview(chunk)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        progress(len(chunk))
        unflushed_bytes += len(chunk)
        if flusher and unflushed_bytes >= _FLUSH_BYTES:
            if flushing:
                flushing.result()
            flushing, unflushed_bytes = flusher.submit(os.fdatasync, descriptor), 0
    if flushing:
        flushing.result()
    if flusher:
        os.fsync(descriptor)
