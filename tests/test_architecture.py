"""The rules of dependency in pyproject.toml, and that each can fail."""

import subprocess
import sys
from pathlib import Path

import pytest


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the contracts of `folder`'s pyproject.toml on `folder`'s own packages."""
    return subprocess.run(
        [str(Path(sys.prefix) / "bin" / "lint-imports"), "--no-logo", "--no-cache"],
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PYTHONPATH": f"{folder / 'client'}:{folder / 'ops'}:{folder}", "PATH": ""},
        check=False,
    )


def test_the_contracts_are_kept(checkout: Path) -> None:
    done = lint_imports(checkout)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("client/triptych/results.py", "import triptych_ops.errors", "The SDK never imports the tooling"),
        ("loadtests/benchmark/run.py", "import triptych_ops.errors", "Load tests are clients"),
        ("loadtests/engine/running.py", "import locust", "Only users of Locust need Locust"),
        ("client/triptych/inputs/images.py", "import pydantic", "The SDK needs only what tritonclient brings"),
        ("ops/triptych_ops/release/store.py", "import torch", "Only export and training import torch"),
        ("ops/triptych_ops/builder/quality.py", "import torch", "Only export and training import torch"),
        ("ops/triptych_ops/builder/gpu_form.py", "import nvidia.dali", "Only export and training import torch"),
        ("ops/triptych_ops/training/run.py", "import triptych_ops.export.graph", "Training makes networks by"),
        ("ops/triptych_ops/training/run.py", "import triptych_ops.release", "Training makes networks by"),
        ("ops/triptych_ops/export/session.py", "import triptych_ops.training", "What is served knows"),
        ("ops/triptych_ops/release/store.py", "import fsspec", "Only a release's storage knows"),
        ("ops/triptych_ops/monitoring/slo.py", "import grafana_foundation_sdk", "Only one module knows Grafana"),
        ("ops/triptych_ops/builder/build.py", "import triptych_ops.cli", "Nothing imports the command line"),
        ("ops/triptych_ops/lint/check.py", "import triptych_ops.release", "Lint judges any repository"),
        ("ops/triptych_ops/gateway/app.py", "import triptych_ops.runtime", "The gateway knows servers"),
        ("ops/triptych_ops/rollout/engine.py", "import kubernetes", "Only a rollout's cluster knows Kubernetes"),
        ("ops/triptych_ops/rollout/engine.py", "import triptych_ops.release", "A rollout knows releases"),
        ("ops/triptych_ops/runtime/log.py", "import triptych_ops.release", "Export, release and runtime"),
    ],
)
def test_a_planted_import_breaks_its_contract(
    checkout: Path, tmp_path: Path, file: str, line: str, contract: str
) -> None:
    for name in ("client", "loadtests", "ops", "pyproject.toml"):
        (tmp_path / name).symlink_to(checkout / name)
    victim = Path(file)
    # Only the folders on the way to the planted file are real; everything else stays a link.
    for folder in reversed(victim.parents[:-1]):
        (tmp_path / folder).unlink()
        (tmp_path / folder).mkdir()
        for entry in (checkout / folder).iterdir():
            (tmp_path / folder / entry.name).symlink_to(entry)
    (tmp_path / victim).unlink()
    (tmp_path / victim).write_text((checkout / victim).read_text() + f"\n{line}\n")
    done = lint_imports(tmp_path)
    assert done.returncode == 1
    broken = [row for row in done.stdout.splitlines() if " BROKEN" in row]
    assert len(broken) == 1
    assert broken[0].startswith(contract)
