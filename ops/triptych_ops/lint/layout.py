"""Rules of a model's folder: versions, the files that its backend reads, and nothing else."""

from collections.abc import Iterator, Set

from .backends import BACKENDS, CODE, ENSEMBLE, backend_name, model_file
from .findings import Finding
from .models import CONFIG, FORMS, SUFFIX, Form, Model, is_version
from .tree import Entry, is_below

_WARM_UP, _INITIAL_STATE = "warmup", "initial_state"


def configuration(model: Model) -> Iterator[Finding]:
    """A model has a config.pbtxt; other forms alone are none."""
    if CONFIG not in model.entries:
        yield Finding.of("E120", model.name, f"has no {CONFIG}")


def backend(model: Model) -> Iterator[Finding]:
    """Each form names its backend. Triton would guess it by the files, and the guesses vary with its version."""
    for form in model.forms.values():
        if not (form.config.backend or form.config.platform or form.is_ensemble):
            guesses = [name for name, each in BACKENDS.items() if each.file and _is_in_a_version(model, each.file)]
            cure = f'write backend: "{guesses[0]}"' if len(guesses) == 1 else None
            yield form.found(
                "E206", "names neither a backend nor a platform, so Triton guesses by the files", cure=cure
            )


def _is_in_a_version(model: Model, file: str) -> bool:
    return any(f"{version}/{file}" in model.entries for version in model.versions)


def versions(model: Model) -> Iterator[Finding]:
    """A model has the versions that its policy names, and each that is served the file that its backend reads."""
    on_disk = set(model.versions)
    if not on_disk:
        if CONFIG in model.entries:
            yield Finding.of("E121", model.name, "has no version folder, a number such as 1")
        return
    for form in model.forms.values():
        for index, version in enumerate(form.config.version_policy.specific.versions):
            if version not in on_disk:
                message = f"keeps the version {version}, which is not on disk"
                yield form.found("E215", message, "version_policy", "specific", "versions", index)
        yield from _files(model, form)


def _files(model: Model, form: Form) -> Iterator[Finding]:
    wanted = None if form.is_ensemble else model_file(form.config)
    for version in model.kept(form):
        folder = f"{model.name}/{version}"
        if wanted is not None:
            yield from _model_file(model, form, version, wanted)
        for wanted_cc in sorted(set(form.config.cc_model_filenames.values())):
            if f"{version}/{wanted_cc}" not in model.entries:
                yield Finding.of("E122", folder, f"has no {wanted_cc!r}, which {form.path} names")
        if form.is_ensemble and not any(path.startswith(f"{version}/") for path in model.entries):
            yield Finding.of("W124", folder, "is empty; object stores drop empty folders, and the ensemble is gone")


def _model_file(model: Model, form: Form, version: int, wanted: str) -> Iterator[Finding]:
    name, folder = backend_name(form.config), f"{model.name}/{version}"
    entry = model.entries.get(f"{version}/{wanted}")
    if entry is None:
        message = f"has no {wanted!r}, which {form.path} has its backend {name} read"
        yield Finding.of("E122", folder, message, cure=_rename(model, version, wanted))
    elif name == "python" and (entry.is_folder or not entry.size_bytes):
        yield Finding.of(
            "E122", entry.path, "is a folder" if entry.is_folder else "is empty", cure="write the model's code"
        )


def _rename(model: Model, version: int, wanted: str) -> str | None:
    """The cure where the version holds one file of the wanted kind under another name."""
    suffix = f".{wanted.rpartition('.')[2]}"
    names = [path.removeprefix(f"{version}/") for path in model.entries if path.startswith(f"{version}/")]
    alike = [name for name in names if "/" not in name and name.endswith(suffix)]
    if len(alike) != 1:
        return None
    return f'rename {alike[0]!r} to {wanted!r}, or write default_model_filename: "{alike[0]}"'


def unexpected(model: Model, external: Set[str]) -> Iterator[Finding]:
    """Nothing lies in a model's folder but what one of its forms reads.

    external: paths of the files that an ONNX graph names for its weights, about which its own finding says what to do
    """
    known = _named_files(model)
    # What belongs to a configuration that cannot be read cannot be told: that finding says enough.
    unknown = bool(model.unreadable) or not model.forms
    said: set[str] = set()
    for path, entry in model.entries.items():
        if is_below(path, said) or entry.path in external:
            continue
        finding = _unexpected(model, path, entry)
        if finding and (finding.code == "E114" or not (unknown or path in known)):
            said.add(path)
            yield finding


def _unexpected(model: Model, path: str, entry: Entry) -> Finding | None:
    first, _, below = path.partition("/")
    if is_version(first):
        if entry.is_folder:
            fits = not below or any(BACKENDS[name].folders for name in _backends(model))
        else:
            fits = bool(below) and _is_read(model, below)
        message = "is nothing that the model's backend reads"
    elif first == FORMS:
        fits = entry.is_folder if not below else "/" not in below and below.endswith(SUFFIX) and below != SUFFIX
        message = f"is no form of the configuration, a file {FORMS}/<name>{SUFFIX}"
    else:
        fits = path == CONFIG
        if entry.is_folder and "/" not in path:
            message = "is no version folder: those are called by a number without leading zeros, at most 2^63 - 1"
            cure = "rename it to a number that is free, or remove it" if model.versions else "rename it to 1"
            return Finding.of("E113", entry.path, message, cure=cure)
        message = "lies beside the version folders, where no backend reads it"
        if path.endswith(CODE) or path.startswith("libtriton_"):
            return Finding.of("E114", entry.path, "is code outside of a version folder")
    return None if fits else Finding.of("E113", entry.path, message)


def _named_files(model: Model) -> set[str]:
    """Files beside the versions that some form names, and the folders they lie in."""
    named: set[str] = set()
    for form in model.forms.values():
        config = form.config
        named.update(output.label_filename for output in config.output)
        for warm_up in config.model_warmup:
            named.update(f"{_WARM_UP}/{data.input_data_file}" for data in warm_up.inputs.values())
        for state in config.sequence_batching.state:
            named.update(f"{_INITIAL_STATE}/{initial.data_file}" for initial in state.initial_state)
    folders = {path.rpartition("/")[0] for path in named}
    return (named | folders) - {"", CONFIG}


def _backends(model: Model) -> set[str]:
    """Of all forms, those that Triton has."""
    names = {backend_name(form.config) or "" for form in model.forms.values()}
    if any(form.is_ensemble for form in model.forms.values()):
        names.add(ENSEMBLE)
    return names & BACKENDS.keys()


def _is_read(model: Model, path: str) -> bool:
    for form in model.forms.values():
        chosen = BACKENDS.get(ENSEMBLE if form.is_ensemble else backend_name(form.config) or "")
        if chosen is None:  # which files it reads cannot be told; that its backend is not known is an error already
            return True
        if chosen.reads(path, file=model_file(form.config)):
            return True
        if "/" not in path and path in form.config.cc_model_filenames.values() and not path.endswith(CODE):
            return True
    return False
