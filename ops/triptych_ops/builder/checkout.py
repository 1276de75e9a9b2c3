"""The checkout of the tooling that a release was built with."""

import subprocess
from pathlib import Path


def git_commit() -> str | None:
    """The commit of the checkout that this package is run from, `-dirty` where files differ from it."""
    git = ["git", "-C", str(Path(__file__).parent)]
    try:
        # Only where git tracks this very file: a virtual environment may lie in somebody else's checkout.
        subprocess.run([*git, "ls-files", "--error-unmatch", Path(__file__).name], capture_output=True, check=True)
        described = subprocess.run(
            [*git, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return described.stdout.strip()
