import sys
from pathlib import Path

import pytest

from triptych_ops.errors import MissingError
from triptych_ops.runtime.edge import find_envoy


def test_the_one_beside_this_python_is_found_without_a_path() -> None:
    assert find_envoy({"PATH": ""}) == Path(sys.prefix) / "bin" / "envoy"


def test_a_named_one_goes_first(tmp_path: Path) -> None:
    program = tmp_path / "my-envoy"
    program.touch(mode=0o755)
    assert find_envoy({"TRIPTYCH_ENVOY": str(program)}) == program


@pytest.mark.parametrize("name", ["missing", "folder", "text"])
def test_a_name_that_is_no_program_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").touch(mode=0o644)
    with pytest.raises(MissingError, match=r"TRIPTYCH_ENVOY=.* is not a program"):
        find_envoy({"TRIPTYCH_ENVOY": str(tmp_path / name)})


def test_path_is_searched_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "no-environment"))
    with pytest.raises(MissingError, match=r"pip install 'triptych\[edge\]'"):
        find_envoy({"PATH": str(tmp_path)})
    (tmp_path / "envoy").touch(mode=0o755)
    assert find_envoy({"PATH": str(tmp_path)}) == tmp_path / "envoy"
