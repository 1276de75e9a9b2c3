"""Rules of label files: one label a line, as many as classes."""

from collections.abc import Callable, Iterator

from .findings import Finding
from .models import DEFAULT, Form, Model, is_version
from .tree import Entry, Tree

_MOST_BYTES = 16 << 20
# A classifier that brings its own labels: in a version folder, for the scores that it ranks.
OWN_FILE, OWN_INPUT, OWN_OUTPUT = "labels.txt", "LOGITS", "LABEL"

Reader = Callable[[Entry], bytes | Finding]


def reader(tree: Tree) -> Reader:
    """What reads a label file, or says why not."""

    def read(entry: Entry) -> bytes | Finding:
        if entry.size_bytes > _MOST_BYTES:
            return Finding.of("E503", entry.path, f"is larger than {_MOST_BYTES} bytes")
        try:
            return tree.read(entry.path, most_bytes=_MOST_BYTES)
        except OSError as error:
            return Finding.of("E115", entry.path, f"cannot be read: {error.strerror}")

    return read


def of_outputs(form: Form, model: Model, refused: frozenset[str], read: Reader) -> Iterator[Finding]:
    """Triton's own labels: a file in the model's folder for an output."""
    for index, output in enumerate(form.config.output):
        if not output.label_filename:
            continue
        key = ("output", index, "label_filename")
        entry = model.entries.get(output.label_filename)
        if entry is None or entry.is_folder:
            yield form.found("E501", f"there is no {output.label_filename!r} in the folder of {model.name!r}", *key)
        elif entry.path not in refused:
            yield from _check(entry, read, list(output.dims), f"output {output.name!r} of {form.path}")


def of_versions(model: Model, refused: frozenset[str], read: Reader) -> Iterator[Finding]:
    """Labels in a version folder, of a model that turns LOGITS into LABEL."""
    form = model.form(DEFAULT)
    if form is None or OWN_OUTPUT not in {output.name for output in form.config.output}:
        return
    for tensor in form.config.input:
        if tensor.name != OWN_INPUT:
            continue
        for path, entry in model.entries.items():
            version, _, name = path.partition("/")
            if name == OWN_FILE and is_version(version) and not entry.is_folder and entry.path not in refused:
                yield from _check(entry, read, list(tensor.dims), f"input {OWN_INPUT!r} of {form.path}")


def _check(entry: Entry, read: Reader, dims: list[int], whose: str) -> Iterator[Finding]:
    content = read(entry)
    if isinstance(content, Finding):
        yield content
        return
    try:
        labels = content.decode().removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        yield Finding.of("E503", entry.path, "is not UTF-8", line=line)
        return
    for number, label in enumerate(labels, start=1):
        if not label.strip():
            yield Finding.of("E503", entry.path, "is an empty label", line=number)
            break
    classes = dims[-1] if dims else -1
    if classes not in (-1, len(labels)):
        message = f"has {len(labels)} labels for {classes} classes, {whose}"
        yield Finding.of("E502", entry.path, message)
