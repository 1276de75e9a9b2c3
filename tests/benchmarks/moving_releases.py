"""Moving, verifying and linting releases, against cp and sha256sum: `make bench`."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.comparison import Line, duration, speed_ratio
from ops.lint.repositories import write_models
from releases import manifest
from triptych_ops import lint
from triptych_ops.release import REPOSITORY, Release, Store, pull

_WEIGHTS_BYTES = 500_000_000  # VGG16's
_SMALL_FILES = 12
_MODELS = 200


def main() -> int:
    """Print the table; 0 when every line passed."""
    with tempfile.TemporaryDirectory(prefix="triptych-bench-") as name:
        lines = [*_moving(Path(name)), *_linting(Path(name))]
    print("\n".join(map(str, lines)))
    return 0 if all(line.passed for line in lines) else 1


def _moving(folder: Path) -> list[Line]:
    release = _published(Store(folder / "store"))
    target = folder / "target"

    def clear() -> None:
        shutil.rmtree(target, ignore_errors=True)
        os.sync()

    def publish() -> None:
        Store(target).add(release)

    def pull_release() -> None:
        pull(release, target, check=lambda _: None)

    def copy() -> None:
        subprocess.run(["cp", "-r", str(release.folder), str(target)], check=True)

    def copy_durably() -> None:
        copy()
        files = [path for path in target.rglob("*") if path.is_file()]
        subprocess.run(["sync", *map(str, files)], check=True)

    def verify() -> None:
        release.verify()

    def sha256sum() -> None:
        files = [str(release.folder / name) for name in release.manifest.files]
        subprocess.run(["sha256sum", *files], check=True, stdout=subprocess.DEVNULL)

    size = f"{release.manifest.size_bytes / 1e6:.0f} MB"
    return [
        speed_ratio(f"publish {size}, of cp and sync", publish, copy_durably, at_least=0.8, before=clear),
        speed_ratio(f"pull {size}, of cp and sync", pull_release, copy_durably, at_least=0.8, before=clear),
        speed_ratio(f"publish {size}, of cp alone", publish, copy, at_least=0.8, before=clear),
        speed_ratio(f"pull {size}, of cp alone", pull_release, copy, at_least=0.8, before=clear),
        speed_ratio(f"verify {size}, of sha256sum", verify, sha256sum, at_least=0.8),
    ]


def _published(store: Store) -> Release:
    with store.staging() as staged:
        version = staged / REPOSITORY / "classifier" / "1"
        version.mkdir(parents=True)
        with (version / "model.onnx").open("wb") as file:
            for _ in range(_WEIGHTS_BYTES // 1_000_000):
                file.write(os.urandom(1_000_000))
        for number in range(_SMALL_FILES):
            (version / f"small-{number}.json").write_bytes(os.urandom(2000))
        return store.publish(staged, manifest(1, staged))


def _linting(folder: Path) -> list[Line]:
    repository = folder / "repository"
    write_models(repository, _MODELS)

    def run() -> None:
        findings = lint.lint(repository)
        if findings:
            raise AssertionError(f"a sound repository has findings: {findings[0]}")

    def command() -> None:
        triptych = Path(sys.prefix) / "bin" / "triptych"
        subprocess.run([str(triptych), "lint", str(repository)], check=True, capture_output=True)

    return [
        duration(f"lint {_MODELS} models", run, at_most_s=1),
        duration(f"triptych lint, the whole process, {_MODELS} models", command, at_most_s=2),
    ]


if __name__ == "__main__":
    sys.exit(main())
