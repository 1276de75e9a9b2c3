"""An environment with clients that are not ours, apart from Triptych's own: their requirements fight with it.

It is kept in the user's cache under a name made of what is in it, so that it is installed once.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_INSTALL_S = 240
# Not together: either brings the messages of the same protocol.
_IMPORTS = ("import kserve", "import tritonclient.grpc.aio, tritonclient.http.aio")
_LONGEST_REASON = 500


class NotInstalledError(Exception):
    """The environment cannot be made."""


def python() -> Path:
    """The interpreter of the environment, made where it is missing or broken.

    Raises:
        NotInstalledError: it cannot be made; the message says why.
    """
    key = hashlib.sha256(_REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "triptych"
    kept = cache / f"foreign-clients-{key}"
    interpreter = kept / "bin" / "python"
    if not _works(interpreter):
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=f"{kept.name}-") as scratch:
            made = Path(scratch) / "environment"
            _make(made)
            shutil.rmtree(kept, ignore_errors=True)
            with contextlib.suppress(OSError):  # somebody else was quicker
                made.rename(kept)
    return interpreter


def _works(interpreter: Path) -> bool:
    return interpreter.exists() and _run(interpreter, "-c", "").returncode == 0


def _make(environment: Path) -> None:
    uv = Path(sys.prefix) / "bin" / "uv"
    if not uv.exists():
        raise NotInstalledError(f"the foreign clients are installed by {uv}, which is missing; run: pip install uv")
    interpreter = environment / "bin" / "python"
    _check(_run(uv, "venv", "--quiet", "--python", sys.executable, environment))
    _check(_run(uv, "pip", "install", "--quiet", "--python", interpreter, "--requirement", _REQUIREMENTS))
    for imports in _IMPORTS:
        _check(_run(interpreter, "-c", imports))


def _run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*map(str, command)], capture_output=True, text=True, timeout=_INSTALL_S, check=False, env=environ()
    )


def environ() -> dict[str, str]:
    """This process's variables, without those that lead back to its own packages."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


def _check(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode:
        reason = " ".join((done.stderr.strip() or done.stdout.strip()).split())[-_LONGEST_REASON:]
        raise NotInstalledError(f"the foreign clients cannot be installed: {' '.join(done.args)} failed: {reason}")
