"""The image whose containers serve releases and send load: Debian's Python, what Triptych needs, and this checkout.

The same that ops/containers/test/Containerfile describes, made without a builder of images.
"""

import json
import shlex
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from cluster import debian
from cluster.commands import run
from cluster.images import write_image
from cluster.tools import key, made

SERVER = "triptych.test/triptych:local"
USER = 65532

_CHECKOUT = Path(__file__).parents[2]
_CONSTRAINTS = _CHECKOUT / ".ci" / "constraints.txt"
_SUITE = "bookworm"
_PACKAGES = ("python3.11", "libpython3.11", "libstdc++6", "libgomp1", "zlib1g", "ca-certificates", "bash", "coreutils")
_EXTRAS = ("serve", "edge", "s3", "sign", "loadtest")
_HOME = Path("opt/triptych")
_SITE = _HOME / "lib" / "python3.11" / "site-packages"
_SCRIPT = "#!/opt/triptych/bin/python\nimport sys\nfrom triptych_ops.entry import main\nsys.exit(main())\n"
_LOCUSTFILE = Path("opt/loadtests/locustfile.py")
_LAYING_OUT = _CHECKOUT / "ops" / "containers" / "test" / "lay_out.py"
_CONFIG = {
    "Entrypoint": ["/opt/triptych/bin/triptych"],
    "Env": [
        "PATH=/opt/tritonserver/bin:/opt/triptych/bin:/usr/bin:/bin",
        "LANG=C.UTF-8",
        "PYTHONDONTWRITEBYTECODE=1",
        "HOME=/tmp",
    ],
    "User": str(USER),
    "WorkingDir": "/tmp",  # noqa: S108
}


def write_server_image(archive: Path, cache: Path, *, say: Callable[[str], None]) -> None:
    """Write the image `triptych.test/triptych:local`; only this checkout's layer is made each time.

    Raises:
        ClusterError: a package cannot be had
    """
    base = cache / f"base-{key(json.dumps([_SUITE, _PACKAGES]).encode())}"
    if not base.exists():
        say("fetching the image's Debian packages")
        made(base, _make_base)
    requirements = _requirements()
    needed = cache / f"environment-{key(base.name.encode() + requirements.encode())}"
    if not needed.exists():
        say("fetching the image's Python packages")
        made(needed, lambda folder: _make_environment(folder, base, requirements))
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        checkout = _make_checkout(Path(scratch))
        triton = _lay_out_triton(Path(scratch), [checkout, needed / "root", base / "root"])
        layers = [base / "layer", needed / "layer", *(_archived(root) for root in (checkout, triton))]
        write_image(archive, SERVER, layers, _CONFIG)


def _make_base(folder: Path) -> None:
    root = folder / "root"
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
    run(["ldconfig", "-r", str(root)], cwd=folder)
    for unneeded in ("usr/share/doc", "usr/share/man", "usr/share/locale"):
        shutil.rmtree(root / unneeded, ignore_errors=True)
    _archive(root, folder / "layer")


def _write_certificates(root: Path) -> None:
    """What the package's script would do."""
    found = sorted((root / "usr/share/ca-certificates").glob("**/*.crt"))
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_text("".join(file.read_text() for file in found))


def _requirements() -> str:
    """Exact versions of all that the extras need."""
    extras = [f"--extra={extra}" for extra in _EXTRAS]
    command = [*_uv(), "pip", "compile", "pyproject.toml", *extras, "--constraint", str(_CONSTRAINTS)]
    return run([*command, "--python-version", "3.11", "--no-header", "--no-annotate", "--quiet"], cwd=_CHECKOUT)


def _make_environment(folder: Path, base: Path, requirements: str) -> None:
    """A virtual environment of the image's Python, made from outside and then told where it will lie."""
    root = folder / "root"
    environment = root / _HOME
    python = base / "root" / "usr" / "bin" / "python3.11"
    (folder / "requirements.txt").write_text(requirements)
    run([*_uv(), "venv", "--quiet", "--python", str(python), str(environment)], cwd=folder)
    command = [*_uv(), "pip", "install", "--quiet", "--python", str(environment / "bin" / "python")]
    run([*command, "--requirement", "requirements.txt"], cwd=folder)
    (environment / "bin" / "python").unlink()
    (environment / "bin" / "python").symlink_to("/usr/bin/python3.11")
    config = environment / "pyvenv.cfg"
    config.write_text(config.read_text().replace(str(python.parent), "/usr/bin"))
    for script in (environment / "bin").iterdir():
        if not script.is_symlink() and (content := script.read_bytes()).startswith(b"#!"):
            script.write_bytes(content.replace(str(environment).encode(), f"/{_HOME}".encode()))
    _archive(root, folder / "layer")


def _make_checkout(scratch: Path) -> Path:
    root = scratch / "checkout"
    (root / _SITE).mkdir(parents=True)
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(scratch)], cwd=_CHECKOUT)
    with zipfile.ZipFile(next(scratch.glob("*.whl"))) as wheel:
        wheel.extractall(root / _SITE)
    script = root / _HOME / "bin" / "triptych"
    script.parent.mkdir()
    script.write_text(_SCRIPT)
    script.chmod(0o755)
    (root / _LOCUSTFILE.parent).mkdir()
    shutil.copy(_CHECKOUT / "loadtests" / _LOCUSTFILE.name, root / _LOCUSTFILE)
    return root


def _lay_out_triton(scratch: Path, below: Sequence[Path]) -> Path:
    """Run the Containerfile's program inside the image, whose layers lie `below`, uppermost first; what it made."""
    above, work, merged = (scratch / name for name in ("triton", "work", "merged"))
    for folder in (above, work, merged):
        folder.mkdir()
    shutil.copy(_LAYING_OUT, below[0] / _LAYING_OUT.name)
    options = f"lowerdir={':'.join(map(str, below))},upperdir={above},workdir={work}"
    commands = [
        ["mount", "-t", "overlay", "overlay", "-o", options, str(merged)],
        ["mount", "--bind", "/dev", str(merged / "dev")],
        ["chroot", str(merged), f"/{_HOME}/bin/python", "-B", f"/{_LAYING_OUT.name}", "/opt/tritonserver"],
    ]
    run(["unshare", "--mount", "sh", "-ec", "\n".join(map(shlex.join, commands))], cwd=scratch)
    (below[0] / _LAYING_OUT.name).unlink()
    return above


def _archived(root: Path) -> Path:
    layer = root.with_suffix(".layer")
    _archive(root, layer)
    return layer


def _archive(root: Path, layer: Path) -> None:
    options = ["--owner=0", "--group=0", "--numeric-owner", "--sort=name", "--mtime=@0"]
    run(["tar", "--create", *options, "--file", str(layer), "--directory", str(root), "."], cwd=root.parent)


def _uv() -> list[str]:
    return [sys.executable, "-m", "uv"]
