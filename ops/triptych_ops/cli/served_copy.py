"""The copy of a release that Triton is given: what is served is what was checked."""

from collections.abc import Callable
from pathlib import Path

from triptych_ops.release import REPOSITORY, Release
from triptych_ops.release.signing import Trust
from triptych_ops.runtime import Sizing

from .release.soundness import require_sound


def copy_sound(
    release: Release, repository: Path, *, trust: Trust | None, sizing: Sizing, check: Callable[[], None]
) -> None:
    """Fill the new folder `repository` with what Triton serves, once all of the release was checked in a copy.

    Then its configuration is sized for this machine; nothing else is changed.

    `check` is called again and again, in several threads; what it raises ends the copy.

    Raises:
        RefusedError: a file is not as the manifest says, the signature is not one that is trusted, or the repository
            is broken or hostile.
    """
    copy = repository.with_name("release")
    release.copy(copy, progress=lambda _bytes: check())
    check()
    require_sound(copy, release, trust=trust)
    check()
    sizing.apply(copy / REPOSITORY)
    (copy / REPOSITORY).rename(repository)
