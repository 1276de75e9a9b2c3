"""What the images of this checkout share: Debian's Python, what extras of `triptych` need, and the checkout itself."""

import json
import shutil
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster import debian
from cluster.commands import run
from cluster.tools import key, made

USER = 65532
HOME = Path("opt/triptych")

_CHECKOUT = Path(__file__).parents[2]
_CONSTRAINTS = _CHECKOUT / ".ci" / "constraints.txt"
_SUITE = "bookworm"
_PACKAGES = ("python3.11", "libpython3.11", "libstdc++6", "libgomp1", "zlib1g", "ca-certificates", "bash", "coreutils")
_SITE = HOME / "lib" / "python3.11" / "site-packages"
_SCRIPT = "#!/opt/triptych/bin/python\nimport sys\nfrom triptych_ops.entry import main\nsys.exit(main())\n"


@dataclass(frozen=True, slots=True)
class Layer:
    """Files, as they lie in the image under `root`, and `archive`, the tar of them."""

    folder: Path

    @property
    def root(self) -> Path:
        """What `/` is in the image."""
        return self.folder / "root"

    @property
    def archive(self) -> Path:
        """As an image takes it."""
        return self.folder / "layer"

    def pack(self) -> None:
        """Make the archive of the files."""
        options = ["--owner=0", "--group=0", "--numeric-owner", "--sort=name", "--mtime=@0"]
        run(["tar", "--create", *options, "--file", "layer", "--directory", "root", "."], cwd=self.folder)


def python_layers(extras: Sequence[str], cache: Path, scratch: Path, *, say: Callable[[str], None]) -> list[Layer]:
    """The layers, lowest first. Only this checkout's, in `scratch`, is made each time.

    Raises:
        ClusterError: a package cannot be had
    """
    base = Layer(cache / f"base-{key(json.dumps([_SUITE, _PACKAGES]).encode())}")
    if not base.folder.exists():
        say("fetching the image's Debian packages")
        made(base.folder, lambda folder: _make_base(Layer(folder)))
    requirements = _requirements(extras)
    needed = Layer(cache / f"environment-{key(base.folder.name.encode() + requirements.encode())}")
    if not needed.folder.exists():
        say("fetching the image's Python packages")
        made(needed.folder, lambda folder: _make_environment(Layer(folder), base, requirements))
    checkout = Layer(scratch / "checkout")
    _make_checkout(checkout)
    return [base, needed, checkout]


def configuration(entrypoint: str, *, path: str = "/opt/triptych/bin:/usr/bin:/bin") -> dict[str, object]:
    """An image's, for a program of the environment; `path` is its PATH."""
    return {
        "Entrypoint": [f"/opt/triptych/bin/{entrypoint}"],
        "Env": [f"PATH={path}", "LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1", "HOME=/tmp"],
        "User": str(USER),
        "WorkingDir": "/tmp",  # noqa: S108
    }


def _make_base(layer: Layer) -> None:
    root = layer.root
    root.mkdir()
    debian.unpack(_PACKAGES, root, suites=[_SUITE], dependencies=True)
    for name in ("tmp", "proc", "sys", "dev", "run"):
        (root / name).mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / "bin/sh").unlink(missing_ok=True)
    (root / "bin/sh").symlink_to("bash")
    (root / "etc" / "passwd").write_text(f"root:x:0:0::/:/bin/bash\ntriptych:x:{USER}:{USER}::/tmp:/bin/bash\n")
    (root / "etc" / "group").write_text(f"root:x:0:\ntriptych:x:{USER}:\n")
    _write_certificates(root)
    run(["ldconfig", "-r", str(root)], cwd=layer.folder)
    for unneeded in ("usr/share/doc", "usr/share/man", "usr/share/locale"):
        shutil.rmtree(root / unneeded, ignore_errors=True)
    layer.pack()


def _write_certificates(root: Path) -> None:
    """What the package's script would do."""
    found = sorted((root / "usr/share/ca-certificates").glob("**/*.crt"))
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_text("".join(file.read_text() for file in found))


def _requirements(extras: Sequence[str]) -> str:
    """Exact versions of all that the extras need."""
    chosen = [f"--extra={extra}" for extra in extras]
    command = [*_uv(), "pip", "compile", "pyproject.toml", *chosen, "--constraint", str(_CONSTRAINTS)]
    return run([*command, "--python-version", "3.11", "--no-header", "--no-annotate", "--quiet"], cwd=_CHECKOUT)


def _make_environment(layer: Layer, base: Layer, requirements: str) -> None:
    """A virtual environment of the image's Python, made from outside and then told where it will lie."""
    environment = layer.root / HOME
    python = base.root / "usr" / "bin" / "python3.11"
    (layer.folder / "requirements.txt").write_text(requirements)
    run([*_uv(), "venv", "--quiet", "--python", str(python), str(environment)], cwd=layer.folder)
    command = [*_uv(), "pip", "install", "--quiet", "--python", str(environment / "bin" / "python")]
    run([*command, "--requirement", "requirements.txt"], cwd=layer.folder)
    (environment / "bin" / "python").unlink()
    (environment / "bin" / "python").symlink_to("/usr/bin/python3.11")
    config = environment / "pyvenv.cfg"
    config.write_text(config.read_text().replace(str(python.parent), "/usr/bin"))
    for script in (environment / "bin").iterdir():
        if not script.is_symlink() and (content := script.read_bytes()).startswith(b"#!"):
            script.write_bytes(content.replace(str(environment).encode(), f"/{HOME}".encode()))
    layer.pack()


def _make_checkout(layer: Layer) -> None:
    (layer.root / _SITE).mkdir(parents=True)
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(layer.folder)], cwd=_CHECKOUT)
    with zipfile.ZipFile(next(layer.folder.glob("*.whl"))) as wheel:
        wheel.extractall(layer.root / _SITE)
    script = layer.root / HOME / "bin" / "triptych"
    script.parent.mkdir()
    script.write_text(_SCRIPT)
    script.chmod(0o755)
    layer.pack()


def _uv() -> list[str]:
    return [sys.executable, "-m", "uv"]
