"""Where the sources of the Triton models are: in a checkout, or inside the installed package."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def folder() -> Path:
    """The `model_repository` folder that releases are assembled from."""
    installed = _PACKAGE / "model_repository"
    return installed if installed.is_dir() else _PACKAGE.parents[1] / "model_repository"
