"""All rules over one repository. Untrusted to the last byte: nothing is followed, run or loaded."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from triptych_ops.errors import RefusedError

from . import (
    configuration,
    confinement,
    contents,
    edges,
    ensembles,
    entries,
    labels,
    layout,
    onnx_rules,
    scheduling,
    warm_up,
)
from .ensembles import Ensemble
from .findings import Finding
from .graphs import Graph
from .models import Model, form_names, read
from .tree import Tree, is_below

FORM_RULES = (*configuration.RULES, *scheduling.RULES, *confinement.RULES)
MODEL_RULES = (layout.configuration, layout.backend, layout.versions)
ENSEMBLE_RULES = (*ensembles.RULES, *edges.RULES)

# Files with these findings are not opened.
_CLOSED = {"E101", "E102", "E103", "E104", "E109", "E110", "E111", "E112", "E115"}
_UNEXPECTED = {"E113", "E114"}  # not said of what another code explains already
_REFUSALS = ("E10", "E11")


def lint(repository: Path) -> tuple[Finding, ...]:
    """What is wrong with a Triton model repository, by path, line and code; empty when nothing is.

    Raises:
        MissingError: there is no such folder.
        UsageError: it is a file.
        RefusedError: it is a link.
        OSError: it cannot be listed.
        OpsError: it holds ONNX files, and the package onnx is not installed.
    """
    with Tree(repository) as tree:
        found = set(_findings(tree))
    explained = {finding.path for finding in found if finding.code[:3] in _REFUSALS and finding.code not in _UNEXPECTED}
    kept = [finding for finding in found if finding.code not in _UNEXPECTED or not is_below(finding.path, explained)]
    return tuple(sorted(kept, key=lambda finding: (finding.path, finding.line or 0, finding.code, finding.message)))


def require(repository: Path) -> None:
    """Refuse a repository with an error.

    Raises:
        RefusedError: names the first error, its place and what mends it.
        MissingError, UsageError, OSError, OpsError: as `lint`.
    """
    errors = [finding for finding in lint(repository) if finding.severity == "error"]
    if errors:
        more = f" (and {len(errors) - 1} more; see: triptych lint)" if errors[1:] else ""
        raise RefusedError(f"{repository}/{errors[0]}{more}")


def _findings(tree: Tree) -> Iterator[Finding]:
    by_status = [*tree.findings, *entries.check(tree.entries.values())]
    yield from by_status
    closed = _closed(by_status)
    plain = [entry for entry in tree.entries.values() if entry.is_plain and entry.path not in closed]
    by_content = list(contents.check(tree, plain))
    yield from by_content
    refused = closed | _closed(by_content)
    yield from _outside(tree)

    models, found = read(tree, refused)
    yield from found
    graphs = dict(onnx_rules.graphs(tree, refused))
    external: set[str] = set()
    for path, graph in graphs.items():
        if isinstance(graph, Graph):
            yield from onnx_rules.content(path, graph, tree.entries)
            external |= onnx_rules.external_files(path, graph)
        else:
            yield graph
    for model in models.values():
        yield from _model(model, graphs, labels.reader(tree), refused)
        yield from layout.unexpected(model, external)
    yield from _ensembles(models)


def _model(
    model: Model, graphs: Mapping[str, Graph | Finding], reader: labels.Reader, refused: frozenset[str]
) -> Iterator[Finding]:
    for model_rule in MODEL_RULES:
        yield from model_rule(model)
    for form in model.forms.values():
        for form_rule in FORM_RULES:
            yield from form_rule(form)
        yield from scheduling.states(form, model)
        yield from warm_up.warm_ups(form, model)
        yield from onnx_rules.agreement(form, model, graphs)
        yield from labels.of_outputs(form, model, refused, reader)
    yield from labels.of_versions(model, refused, reader)


def _ensembles(models: Mapping[str, Model]) -> Iterator[Finding]:
    for form_name in form_names(models):
        found = {}
        for name, model in models.items():
            form = model.form(form_name)
            if form and form.is_ensemble:
                found[name] = Ensemble(form, form_name, models)
        for ensemble in found.values():
            for rule in ENSEMBLE_RULES:
                yield from rule(ensemble)
        yield from ensembles.circles(found)


def _outside(tree: Tree) -> Iterator[Finding]:
    """The repository holds models, and nothing beside them."""
    tops = [entry for path, entry in tree.entries.items() if "/" not in path]
    if not any(entry.is_folder for entry in tops):
        yield Finding.of("E123", ".", "holds no model")
    for entry in tops:
        if not entry.is_folder:
            yield Finding.of("E113", entry.path, "is no model's")


def _closed(findings: list[Finding]) -> frozenset[str]:
    return frozenset(finding.path for finding in findings if finding.code in _CLOSED)
