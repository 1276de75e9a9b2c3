import pytest

from cases import Figure, figures


def report(
    outcome: str, stdout: str, *, nodeid: str = "tests/faults/test_x.py::test_case_7_a_thing"
) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid=nodeid,
        location=("", 0, ""),
        keywords={},
        outcome=outcome,  # type: ignore[arg-type]
        longrepr=None,
        when="call",
        sections=[("Captured stdout call", stdout)],
    )


def test_each_figure_of_a_case_is_a_line() -> None:
    found = list(figures(report("passed", "noise\ncase 7: 3 of 3 refused\ncase 12: 0 lost\n")))
    assert found == [Figure("case", 7, "3 of 3 refused", passed=True), Figure("case", 12, "0 lost", passed=True)]
    assert str(found[0]) == "   7  pass  3 of 3 refused"


def test_a_test_that_failed_after_its_figure_fails_the_case() -> None:
    assert str(*figures(report("failed", "case 7: 2 of 3 refused\n"))) == "   7  FAIL  2 of 3 refused"


def test_a_test_that_failed_before_its_figure_fails_the_case_of_its_name() -> None:
    (found,) = figures(report("failed", ""))
    assert (found.case, found.passed) == (7, False)


@pytest.mark.parametrize("stdout", ["", "in case 7: nothing\n"])
def test_other_tests_are_no_cases(stdout: str) -> None:
    assert list(figures(report("passed", stdout))) == []
    assert list(figures(report("failed", stdout, nodeid="tests/test_y.py::test_another"))) == []


def test_attacks_have_numbers_of_their_own_behind_the_cases() -> None:
    found = sorted(figures(report("passed", "hostile 3: bounded\ncase 46: 0.2 s\n")))
    assert [str(figure) for figure in found] == ["  46  pass  0.2 s", "h  3  pass  bounded"]
