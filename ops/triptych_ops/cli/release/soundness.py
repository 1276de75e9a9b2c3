"""What must hold of a release before anybody uses it, besides its digests."""

from pathlib import Path

from triptych_ops import lint
from triptych_ops.release import REPOSITORY
from triptych_ops.release.signing import Trust


def require_sound(folder: Path, *, number: int, trust: Trust | None) -> None:
    """Whether release `number` in `folder` is one that Triton can be given.

    Raises:
        RefusedError: its signature is not one that is trusted, or its repository is broken or hostile.
    """
    if trust is not None:  # first: what nobody answers for is not even parsed
        trust.require(folder, number=number)
    lint.require(folder / REPOSITORY)
