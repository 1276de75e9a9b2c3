import os
from pathlib import Path

import pytest

from triptych_ops.runtime import usable_cores

HAS = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("quota", "cores"),
    [
        ("max 100000", HAS),
        ("100000 100000", 1),
        ("150000 100000", 1),
        ("50000 100000", 1),  # half a core is still one to run on
        ("1000000000 100000", HAS),
        ("of an unknown form", HAS),
    ],
)
def test_a_containers_quota_counts(quota: str, cores: int, tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text(f"{quota}\n")
    assert usable_cores(quota=tmp_path / "cpu.max") == cores


def test_without_a_container_the_affinity_counts(tmp_path: Path) -> None:
    assert usable_cores(quota=tmp_path / "absent") == HAS
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert usable_cores(quota=tmp_path / "absent") == 1
    finally:
        os.sched_setaffinity(0, allowed)
