"""Build a release: weights to ONNX, assembled, served for real, measured, published. All or nothing.

It joins what does not know each other: `export`, `release` and `runtime`.
"""

from .build import build
from .recipe import Recipe

__all__ = ["Recipe", "build"]
