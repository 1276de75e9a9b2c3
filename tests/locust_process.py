"""Locust as a user runs it: `locust -f loadtests/locustfile.py …`, in processes of its own."""

import subprocess
import sys
from pathlib import Path

LOCUST = Path(sys.prefix) / "bin" / "locust"
_ROOT = Path(__file__).parents[1]


class Locust:
    """One process of Locust, killed when left."""

    def __init__(self, *arguments: object) -> None:
        command = [str(LOCUST), "-f", "loadtests/locustfile.py", *map(str, arguments)]
        self.process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def __enter__(self) -> "Locust":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def ended(self, within_s: float = 90.0) -> tuple[int, str]:
        """The exit status and all that it said."""
        said, _ = self.process.communicate(timeout=within_s)
        return self.process.returncode, said
