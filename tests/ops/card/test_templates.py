"""The card of an installed wheel is that of the checkout."""

import os
import subprocess
import sys
from pathlib import Path

from triptych_ops.card import render
from triptych_ops.release import Manifest

CARD = """
import sys
from pathlib import Path
import triptych_ops.card
from triptych_ops.release import Manifest
sys.stdout.write(triptych_ops.card.__file__ + "\\n")
for form in triptych_ops.card.FORMS:
    sys.stdout.write(triptych_ops.card.render(Manifest.from_file(Path(sys.argv[1])), form))
"""


def test_a_wheel_brings_its_templates(int8: Manifest, checkout: Path, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=checkout, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(tmp_path / "installed")], check=True)
    int8.write(tmp_path / "release.json")
    done = subprocess.run(
        [sys.executable, "-c", CARD, str(tmp_path / "release.json")],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    where, _, cards = done.stdout.partition("\n")
    assert where.startswith(str(tmp_path / "installed"))
    assert cards == render(int8, "md") + render(int8, "html")
