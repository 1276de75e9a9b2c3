"""What must hold of a release before anybody uses it, besides its digests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from triptych_ops import lint
from triptych_ops.errors import OpsError
from triptych_ops.release import REPOSITORY, Release
from triptych_ops.release.signing import Trust


def require_sound(folder: Path, release: Release, *, trust: Trust | None, called: str | None = None) -> None:
    """Whether `release`, whose files were compared and lie in `folder`, is one that Triton can be given.

    `called` is what messages call the folder, which may be a copy that is gone when they are read; None: the release.

    Raises:
        RefusedError: its signature is not one that is trusted, or its repository is broken or hostile.
    """
    with _called(folder, called or release.location):
        if trust is not None:  # first: what nobody answers for is not even parsed
            trust.require(folder, number=release.number, manifest_sha256=release.manifest_sha256)
        lint.require(folder / REPOSITORY)


@contextmanager
def _called(folder: Path, called: str) -> Iterator[None]:
    try:
        yield
    except OpsError as error:
        if called == str(folder):
            raise
        raise type(error)(str(error).replace(str(folder), called)) from error
