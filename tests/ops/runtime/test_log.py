from pathlib import Path

import pytest

from triptych_ops.runtime.log import first_error, last_line, still_loading

LOG = """\
W1122 18:13:57.000000 3818 metrics.cc:798] "DCGM unable to start"
E1122 18:13:58.315051 3818 model_lifecycle.cc:641] "failed to load 'classifier' version 1: Internal: no such file"
E1122 18:13:58.315052 3818 model_repository_manager.cc:703] "Invalid argument: ensemble depends on 'classifier'"
error: creating server: Internal - failed to load all models
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LOG, "failed to load 'classifier' version 1: Internal: no such file"),
        ('E1122 18:54:10.193343 7271 server.cc:241] "CudaDriverHelper has not been initialized."\n' + LOG, "failed to"),
        ('E1122 18:54:10.193343 7271 x.cc:1] "unable to create stream: CUDA driver version is insufficient"\n', None),
        ("/x/stub: error while loading shared libraries: libz.so: cannot open\n", "error while loading shared"),
        ('W1122 18:13:57.000000 3818 metrics.cc:798] "DCGM unable to start"\n', None),
        ("", None),
    ],
)
def test_the_first_error_that_matters_is_found(tmp_path: Path, text: str, expected: str | None) -> None:
    log = tmp_path / "log"
    log.write_text(text)
    found = first_error(log)
    assert found is None if expected is None else (found or "").startswith(expected)


@pytest.mark.parametrize(("text", "expected"), [("one\ntwo\n\n", "two"), ("\n", "it logged nothing")])
def test_the_last_line_is_found(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "log").write_text(text)
    assert last_line(tmp_path / "log") == expected


def test_what_was_not_loaded_is_found(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(
        'I1123 00:47:55.188547 10544 model_lifecycle.cc:472] "loading: classifier:1"\n'
        'I1123 00:47:55.188619 10544 model_lifecycle.cc:472] "loading: preprocess:1"\n'
        "I1123 00:47:55.487417 10544 model_lifecycle.cc:839] \"successfully loaded 'classifier'\"\n"
    )
    assert still_loading(tmp_path / "log") == ("preprocess",)
    assert still_loading(tmp_path / "none") == ()


def test_a_missing_log_is_no_error(tmp_path: Path) -> None:
    assert first_error(tmp_path / "none") is None
    assert last_line(tmp_path / "none") == "it logged nothing"
