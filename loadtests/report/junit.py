"""A report as JUnit's XML, which build servers show: each objective in each stage is a test. Pure."""

from typing import Final
from xml.etree import ElementTree

from .finding import Finding, State

_VOID: Final = frozenset({State.INCONCLUSIVE, State.FAILED})


def junit_text(finding: Finding) -> str:
    """The XML. A run that says nothing of the server is one error, and its objectives are skipped."""
    void = finding.state in _VOID
    broken = [verdict for verdict in finding.verdicts if not verdict.held]
    run = finding.stored.run
    suite = ElementTree.Element(
        "testsuite",
        name=f"loadtest {run.profile.name}",
        timestamp=run.started_at,
        tests=str(len(finding.verdicts) + 1),
        failures=str(0 if void else len(broken)),
        errors=str(int(void)),
        skipped=str(len(finding.verdicts) if void else 0),
    )
    seconds = {stage.stage: stage.seconds for stage in finding.stages}
    ran = _case(suite, run.profile.name, "the run says something of the server", sum(seconds.values()))
    if void:
        ElementTree.SubElement(ran, "error", type=finding.state, message=finding.reason)
    for verdict in finding.verdicts:
        name = f"{run.profile.name}.{verdict.stage}"
        case = _case(suite, name, str(verdict.objective), seconds[verdict.stage])
        if void:
            ElementTree.SubElement(case, "skipped", message=finding.reason)
        elif not verdict.held:
            failure = ElementTree.SubElement(case, "failure", type="objective", message=str(verdict))
            failure.text = finding.bottleneck
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ElementTree.Element, of: str, name: str, seconds: float) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=of, name=name, time=f"{seconds:.3f}")
