"""Sound repositories are left alone, and quickly."""

import time
from pathlib import Path

import pytest

from triptych_ops import lint
from triptych_ops.errors import MissingError, RefusedError, UsageError

from .repositories import write_models


def test_a_sound_repository_has_no_finding(repository: Path) -> None:
    assert lint.lint(repository) == ()
    lint.require(repository)


def test_findings_are_sorted_and_the_first_error_is_named(repository: Path) -> None:
    for model in ("preprocess", "classifier"):
        config = repository / model / "config.pbtxt"
        config.write_text(config.read_text().replace("max_batch_size: 8", "max_batch_size: -8"))
    findings = lint.lint(repository)
    places = [(finding.path, finding.line) for finding in findings]
    assert places == [("classifier/config.pbtxt", 4), ("preprocess/config.pbtxt", 3)]
    with pytest.raises(RefusedError, match=r"^\S+/classifier/config\.pbtxt:4: E210 max_batch_size is -8; ") as caught:
        lint.require(repository)
    assert "\n" not in str(caught.value)


def test_a_warning_alone_is_no_refusal(repository: Path) -> None:
    (repository / "image_classifier" / "1" / "release").unlink()
    assert [(finding.code, finding.severity) for finding in lint.lint(repository)] == [("W124", "warning")]
    lint.require(repository)


def test_an_ensemble_need_not_batch_where_its_members_do(repository: Path) -> None:
    config = repository / "image_classifier" / "config.pbtxt"
    config.write_text(config.read_text().replace("max_batch_size: 8", "max_batch_size: 0"))
    assert lint.lint(repository) == ()


def test_what_is_no_folder_is_no_repository(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"^there is no "):
        lint.lint(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="is not a folder"):
        lint.lint(repository / "classifier" / "config.pbtxt")
    with pytest.raises(MissingError):
        lint.lint(repository / "classifier" / "config.pbtxt" / "below")


def test_an_empty_folder_is_no_repository(tmp_path: Path) -> None:
    assert [finding.code for finding in lint.lint(tmp_path)] == ["E123"]


def test_every_code_is_named_once_and_says_its_severity() -> None:
    assert len({rule.name for rule in lint.CODES.values()}) == len(lint.CODES)
    for code, rule in lint.CODES.items():
        assert code[0] == {"error": "E", "warning": "W"}[rule.severity]
        assert rule.meaning
        assert rule.cure


def test_200_models_are_checked_within_a_second(tmp_path: Path) -> None:
    write_models(tmp_path / "repository", 200)
    elapsed_s = []
    for _ in range(3):  # the first one imports; others run on this machine, so the best counts
        started = time.perf_counter()
        assert lint.lint(tmp_path / "repository") == ()
        elapsed_s.append(time.perf_counter() - started)
    print(f"lint: 200 models in {min(elapsed_s):.2f} s")
    assert min(elapsed_s) <= 1.0
