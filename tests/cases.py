"""The table of fault cases that ends a run: case, figure, pass or fail.

A test of a numbered case prints `case N: figure`, as often as it has figures. Attacks that are no numbered case print
`hostile N: figure`; the table lists them behind the cases.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

_LINE = re.compile(r"^(case|hostile) (\d+): (.+)$", re.MULTILINE)
_NAME = re.compile(r"(case|hostile)_(\d+)")


@dataclass(frozen=True, slots=True, order=True)
class Figure:
    """What one test of a case found; `kind` is "case" or "hostile"."""

    kind: str
    case: int
    figure: str
    passed: bool

    def __str__(self) -> str:
        number = f"{self.case:4}" if self.kind == "case" else f"h{self.case:3}"
        return f"{number}  {'pass' if self.passed else 'FAIL'}  {self.figure}"


def figures(report: pytest.TestReport) -> Iterator[Figure]:
    """The figures that a test printed; for one that failed without any, that it failed."""
    printed = _LINE.findall(report.capstdout)
    for kind, case, figure in printed:
        yield Figure(kind, int(case), figure, report.passed)
    named = _NAME.search(report.nodeid)
    if report.failed and not printed and named:
        yield Figure(named[1], int(named[2]), report.nodeid, passed=False)


class CaseTable:
    """Collects figures while the tests run, and prints them at the end."""

    def __init__(self) -> None:
        self._figures: list[Figure] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.failed:
            self._figures += figures(report)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._figures:
            terminalreporter.section("cases")
            for figure in sorted(self._figures):
                terminalreporter.write_line(str(figure), green=figure.passed, red=not figure.passed)
