"""The models of a repository: their configurations in every form, and their versions."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tritonclient.grpc.model_config_pb2 import ModelConfig

from .findings import Finding
from .locations import Place
from .parsing import LARGEST_BYTES, parse
from .tree import Entry, Tree

CONFIG = "config.pbtxt"
FORMS = "configs"
SUFFIX = ".pbtxt"
DEFAULT = ""  # the form of config.pbtxt; others are named by their files in configs/
_VERSION = re.compile(r"0|[1-9][0-9]{0,18}")  # Triton ignores those with leading zeros
_LARGEST_VERSION = (1 << 63) - 1  # the next one ends Triton at once


@dataclass(frozen=True, slots=True)
class Form:
    """One configuration of a model: config.pbtxt, or what `--model-config-name` chooses instead."""

    model: str  # the folder
    path: str  # of the file, below the repository
    name: str
    config: ModelConfig
    keys: Place

    def found(self, code: str, message: str, *key: str | int, cure: str | None = None) -> Finding:
        """A finding about a key of this file."""
        return Finding.of(code, self.path, message, line=self.keys.line_of(*key), cure=cure)

    @property
    def batched(self) -> bool:
        """Whether its tensors have a batch; a negative size, a finding of its own, was meant as one."""
        return bool(self.config.max_batch_size != 0)

    @property
    def is_ensemble(self) -> bool:
        """Whether it has steps, or says that it should."""
        return bool(self.config.HasField("ensemble_scheduling")) or "ensemble" in (
            self.config.platform,
            self.config.backend,
        )


@dataclass(frozen=True, slots=True)
class Model:
    """A folder of the repository."""

    name: str
    entries: Mapping[str, Entry]  # all below it, by the path below it
    forms: Mapping[str, Form] = field(default_factory=dict)  # those that could be parsed
    unreadable: frozenset[str] = frozenset()  # names of the forms that could not

    @property
    def versions(self) -> tuple[int, ...]:
        """On disk, ascending."""
        return tuple(sorted(int(path) for path, entry in self.entries.items() if entry.is_folder and is_version(path)))

    def form(self, name: str) -> Form | None:
        """What Triton reads under `--model-config-name=<name>`; None where it could not be parsed."""
        if name in self.unreadable:
            return None
        return self.forms.get(name, self.forms.get(DEFAULT))

    def kept(self, form: Form) -> tuple[int, ...]:
        """The versions that Triton serves, ascending."""
        policy, versions = form.config.version_policy, self.versions
        if policy.HasField("all"):
            return versions
        if policy.HasField("specific"):
            wanted = set(policy.specific.versions)
            return tuple(version for version in versions if version in wanted)
        latest = policy.latest.num_versions if policy.HasField("latest") else 1
        return versions[-latest:] if latest else ()


def is_version(name: str) -> bool:
    """Whether a folder of a model is one of its versions."""
    return _VERSION.fullmatch(name) is not None and int(name) <= _LARGEST_VERSION


def form_names(models: Mapping[str, Model]) -> Sequence[str]:
    """Every form that somebody could start a server with, the default first."""
    return sorted({DEFAULT}.union(*(model.forms for model in models.values())))


def read(tree: Tree, refused: frozenset[str]) -> tuple[Mapping[str, Model], tuple[Finding, ...]]:
    """The models of a repository, and what is wrong with the texts of their configurations.

    Files in `refused` are not opened.
    """
    below: defaultdict[str, dict[str, Entry]] = defaultdict(dict)
    for entry in tree.entries.values():
        name, _, path = entry.path.partition("/")
        if path:
            below[name][path] = entry
        elif entry.is_folder:
            below.setdefault(name, {})
    models, findings = {}, []
    for name, entries in below.items():
        forms, unreadable = {}, set()
        for form_name, entry in _configurations(entries):
            read_form = _read(tree, name, form_name, entry, refused)
            if isinstance(read_form, Form):
                forms[form_name] = read_form
            else:
                unreadable.add(form_name)
                findings.extend(read_form)
        models[name] = Model(name, entries, forms, frozenset(unreadable))
    return models, tuple(findings)


def _configurations(entries: Mapping[str, Entry]) -> Iterator[tuple[str, Entry]]:
    for path, entry in entries.items():
        folder, _, name = path.rpartition("/")
        if path == CONFIG:
            yield DEFAULT, entry
        elif folder == FORMS and name.endswith(SUFFIX) and name != SUFFIX:
            yield name.removesuffix(SUFFIX), entry


def _read(tree: Tree, model: str, name: str, entry: Entry, refused: frozenset[str]) -> Form | list[Finding]:
    if entry.is_folder:
        return [Finding.of("E203", entry.path, "is a folder")]
    if entry.path in refused:  # for a reason that has been said
        return []
    try:
        parsed = parse(tree.read(entry.path, most_bytes=LARGEST_BYTES + 1), entry.path)
    except OSError as error:
        return [Finding.of("E115", entry.path, f"cannot be read: {error.strerror}")]
    return [parsed] if isinstance(parsed, Finding) else Form(model, entry.path, name, *parsed)
