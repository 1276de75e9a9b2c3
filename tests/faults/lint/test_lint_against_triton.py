"""Lint's verdicts held to the real Triton: the same in both directions, but for what `listed` names.

Each repository is started by itself with the flags of production. Where a case has a cure, lint has to advise it, and
the repository has to be served and free of errors once the advice is followed.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from triptych_ops.lint import Finding, lint

from .listed import BEYOND, POLICY
from .refused_configurations import REFUSED_CONFIGURATIONS
from .refused_repositories import REFUSED_REPOSITORIES
from .repositories import Case
from .served import SERVED
from .triton import VERSION, Verdict, verdict

REFUSED = {**REFUSED_CONFIGURATIONS, **REFUSED_REPOSITORIES}
LEAST = 60
LEAST_SERVED = 20
LEAST_CURES = 60
_AT_ONCE = 3  # servers: one that refuses a repository sleeps for a second before it ends

Lint = Callable[[Path], Sequence[Finding]]


@dataclass(frozen=True)
class Compared:
    """Both verdicts on one repository."""

    name: str
    errors: tuple[Finding, ...]
    triton: Verdict

    @property
    def passes(self) -> bool:
        """Whether lint finds no error."""
        return not self.errors

    def __str__(self) -> str:
        found = "; ".join(map(str, self.errors)) or "no error"
        return f"{self.name}: lint says {found!r}, Triton {self.triton.reason or 'serves it'!r}"


def _compare(cases: Mapping[str, Case], folder: Path, *, cured: bool = False, check: Lint = lint) -> list[Compared]:
    """Write each case below a new folder, lint it, and start Triton on it."""
    folder.mkdir()

    def compare(numbered: tuple[int, str]) -> Compared:
        number, name = numbered
        repository = folder / str(number)
        cases[name].write(repository, cured=cured)
        errors = tuple(finding for finding in check(repository) if finding.severity == "error")
        return Compared(name, errors, verdict(repository))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(compare, enumerate(cases)))


def _differences(compared: Sequence[Compared], *, lint_passes: bool, triton_serves: bool) -> list[str]:
    """The repositories on which either verdict is another than expected."""
    expected = (lint_passes, triton_serves)
    return [str(each) for each in compared if (each.passes, each.triton.serves) != expected]


def _cases(listed: Mapping[str, tuple[str, Case]]) -> Mapping[str, Case]:
    return {name: case for name, (_, case) in listed.items()}


@pytest.mark.timeout(900)
def test_lint_and_triton_agree_but_for_what_is_listed(tmp_path: Path) -> None:
    served = _compare(SERVED, tmp_path / "served")
    refused = _compare(REFUSED, tmp_path / "refused")
    policy = _compare(_cases(POLICY), tmp_path / "policy")
    beyond = _compare(_cases(BEYOND), tmp_path / "beyond")

    differences = [
        *_differences(served, lint_passes=True, triton_serves=True),
        *_differences(refused, lint_passes=False, triton_serves=False),
        *_differences(policy, lint_passes=False, triton_serves=True),
        *_differences(beyond, lint_passes=True, triton_serves=False),
    ]
    assert not differences, "\n".join(differences)
    assert len(served) >= LEAST_SERVED
    assert len(served) + len(refused) >= LEAST
    assert all(reason for reason, _ in (*POLICY.values(), *BEYOND.values()))
    print(
        f"lint against Triton {VERSION}: {len(served) + len(refused) + len(policy) + len(beyond)} repositories\n"
        f"  {len(served):4} served by Triton, and passed by lint\n"
        f"  {len(refused):4} refused by both\n"
        f"  {len(policy):4} refused by lint alone, each listed with its reason\n"
        f"  {len(beyond):4} refused by Triton alone, each listed with its reason\n"
        f"  {0:4} other differences"
    )


@pytest.mark.timeout(900)
def test_a_repository_is_served_once_lints_advice_is_followed(tmp_path: Path) -> None:
    every = {**REFUSED, **_cases(POLICY)}
    cured = {name: case for name, case in every.items() if case.cure}
    folder = tmp_path / "before"
    folder.mkdir()
    for number, (name, case) in enumerate(cured.items()):
        assert case.cure is not None
        case.write(folder / str(number))
        cures = [finding.cure for finding in lint(folder / str(number)) if finding.code == case.cure.code]
        assert any(case.cure.words in cure for cure in cures), (name, case.cure.code, cures)

    differences = _differences(_compare(cured, tmp_path / "after", cured=True), lint_passes=True, triton_serves=True)
    assert not differences, "\n".join(differences)
    assert len(cured) >= LEAST_CURES
    codes = {case.cure.code for case in cured.values() if case.cure}
    print(f"lint's advice: {len(cured)} cures of {len(codes)} codes followed, all served by Triton {VERSION}")


def test_the_comparison_finds_a_lint_that_passes_or_refuses_too_much(tmp_path: Path) -> None:
    names = ("a step without a version", "a step of version 0")
    cases = {name: {**SERVED, **REFUSED}[name] for name in names}
    blind = _compare(cases, tmp_path / "blind", check=lambda _: ())
    strict = _compare(cases, tmp_path / "strict", check=lambda _: [Finding.of("E302", ".", "planted")])
    assert len(_differences(blind[:1], lint_passes=False, triton_serves=False)) == 1
    assert _differences(blind[1:], lint_passes=True, triton_serves=True) == []
    assert _differences(strict[:1], lint_passes=False, triton_serves=False) == []
    assert len(_differences(strict[1:], lint_passes=True, triton_serves=True)) == 1
