"""The source files of the Triton model `preprocess` as a package: what a release runs, the tooling imports.

There is one copy of them. `triptych_ops.decoding` is the only module that imports from here.
"""

from triptych_ops import model_sources

__path__ = [str(model_sources.folder() / "preprocess" / "source")]
