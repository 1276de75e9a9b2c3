from pathlib import Path

import pytest

from triptych_ops.runtime.log import first_error

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
        ("/x/tritonserver: error while loading shared libraries: libz.so\n", "libz.so"),
        ("", "it logged nothing"),
    ],
)
def test_the_first_error_is_found(tmp_path: Path, text: str, expected: str) -> None:
    log = tmp_path / "log"
    log.write_text(text)
    assert first_error(log).endswith(expected)


def test_a_missing_log_is_no_error(tmp_path: Path) -> None:
    assert first_error(tmp_path / "none") == "it logged nothing"
