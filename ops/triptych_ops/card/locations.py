"""Where in a release the files lie that a card names."""

from triptych_ops.release import REPOSITORY, Manifest, gpu_form

_LABELS = "labels.txt"


def labels_file(manifest: Manifest) -> str | None:
    """The release's labels, by their path in the manifest; None where it has none."""
    return _held(manifest, "postprocess", _LABELS)


def gpu_graph(manifest: Manifest) -> str | None:
    """The graph that only the GPU form has, by its path in the manifest; None where it has none."""
    return _held(manifest, "classifier", gpu_form.GRAPH)


def _held(manifest: Manifest, model: str, name: str) -> str | None:
    path = f"{REPOSITORY}/{model}/{manifest.number}/{name}"
    return path if path in manifest.files else None
