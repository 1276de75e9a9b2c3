"""Each extra of the wheel, installed alone into an environment of its own, with every command of `triptych`.

A command either does its work there or says which extra has what is missing, and that extra is the right one.
"""

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

import click
import pytest
from PIL import Image

from commands import triptych
from kubeconfigs import write_kubeconfig
from triptych.testing import FakeServer
from triptych_ops.cli.main import triptych as root
from triptych_ops.photographs import PHOTOGRAPHS
from triptych_ops.release.signing import NEW_KEY_PAIR
from triptych_ops.runtime import Ports

_UV = Path(sys.prefix) / "bin" / "uv"
_NAMED = re.compile(r"pip install 'triptych\[([a-z0-9,]+)\]'")
_NONE = "none"  # the wheel without any extra
_LEFT_OUT: Final = {"bench", "dev"}  # for the project's own measurements and tests, which need a checkout


class Call(NamedTuple):
    """The arguments of one command, as short as a run of it can be.

    lasting: the command runs until it is stopped, which is done once it has printed this.
    """

    words: str
    lasting: str | None = None


class Outcome(NamedTuple):
    """What came of a call: what it printed, and the extra it asked for, None where it had all that it needs."""

    output: str
    extra: str | None

    @property
    def cell(self) -> str:
        """The outcome as the printed table has it."""
        return "TRACEBACK" if "Traceback" in self.output else self.extra or "runs"


CALLS: Final[Mapping[str, Call]] = {
    "build": Call("build --store new --weights other.safetensors"),
    "classify": Call("classify coffee.png --url {grpc}"),
    "data check": Call("data check pictures"),
    "data convert": Call("data convert pictures converted.h5"),
    "demo": Call("demo --store {store}"),
    "edge": Call("edge --edge-http-port {p1} --edge-grpc-port {p2}", "listening"),
    "evaluate": Call("evaluate run --out evaluation"),
    "export": Call("export run --out small.onnx"),
    "features": Call("features pictures --descriptor hog --out features.csv"),
    "gateway": Call("gateway --port 0 --url {http}", "http://"),
    "health": Call("health --url {grpc}"),
    "lint": Call("lint {store}/releases/1/repository"),
    "loadtest compare": Call("loadtest compare load load"),
    "loadtest find-max": Call("loadtest find-max --url {grpc} --seconds 2 --most 2 --out most"),
    "loadtest report": Call("loadtest report load"),
    "loadtest rollout": Call("loadtest rollout --url {grpc} --seconds 2 --rate 5 --out rolled"),
    "loadtest run": Call("loadtest run server --url {grpc} --seconds 2 --rate 5 --out loaded"),
    "monitoring budget": Call("monitoring budget --prometheus http://127.0.0.1:1"),
    "monitoring dashboards": Call("monitoring dashboards --out dashboards"),
    "monitoring rules": Call("monitoring rules --out rules"),
    "probes": Call("probes --port {p1}", "listening"),
    "release diff": Call("release diff 1 1 --store {store}"),
    "release list": Call("release list --store {store}"),
    "release list, in a bucket": Call("release list --store s3://bucket"),
    "release prune": Call("release prune --keep 5 --store {store}"),
    "release publish": Call("release publish 1 --to published --store {store}"),
    "release pull": Call("release pull 1 pulled --store {store}"),
    "release show": Call("release show --store {store}"),
    "release show, a card": Call("release show --card html --store {store}"),
    "release sign": Call("release sign 1 --key private.pem --store {signed}"),
    "release tag": Call("release tag --store {store}"),
    "release verify": Call("release verify 1 --store {store}"),
    "release verify, signed": Call("release verify 1 --key public.pem --store {store}"),
    "rollout abort": Call("rollout abort --kubeconfig kubeconfig"),
    "rollout drive": Call("rollout drive --kubeconfig kubeconfig"),
    "rollout history": Call("rollout history --kubeconfig kubeconfig"),
    "rollout lint": Call("rollout lint plan.yaml"),
    "rollout pause": Call("rollout pause --kubeconfig kubeconfig"),
    "rollout promote": Call("rollout promote --kubeconfig kubeconfig"),
    "rollout report": Call("rollout report --kubeconfig kubeconfig"),
    "rollout resume": Call("rollout resume --kubeconfig kubeconfig"),
    "rollout start": Call("rollout start --release 1 --store {store} --kubeconfig kubeconfig"),
    "rollout status": Call("rollout status --kubeconfig kubeconfig"),
    "rollout undo": Call("rollout undo --kubeconfig kubeconfig"),
    "serve": Call("serve --store {store} --http-port {p1} --grpc-port {p2} --metrics-port {p3}", "ready after"),
    "serve, with an edge": Call(
        "serve --store {store} --http-port {p1} --grpc-port {p2} --metrics-port {p3} --edge --edge-http-port {p4}"
        " --edge-grpc-port {p5}",
        "ready after",
    ),
    "top": Call("top --once --metrics http://127.0.0.1:1/metrics"),
    "train": Call("train pictures --out trained --architecture lenet5 --epochs 1"),
    "tune": Call("tune --store {store} --setting batch --seconds 2 --rounds 1 --pairs 1 --out tuned", "requests/s"),
}
"""Command -> how it is called. After a comma stands an option of it that needs more than the command does."""


class Environment:
    """A virtual environment with the wheel and some of its extras, and a folder in which its commands run."""

    def __init__(self, extras: str, *, wheel: Path, folder: Path, constraints: Path, template: Path) -> None:
        self.folder = shutil.copytree(template, folder / "work" / extras, symlinks=True)
        self._python = folder / "environments" / extras / "bin" / "python"
        target = str(wheel) if extras == _NONE else f"{wheel}[{extras}]"
        for command in (
            [_UV, "venv", "--quiet", "--python", sys.executable, self._python.parents[1]],
            [_UV, "pip", "install", "--quiet", "--python", self._python, "--constraint", constraints, target],
        ):
            subprocess.run(list(map(str, command)), check=True, capture_output=True)

    def outcome(self, call: Call, servers: Mapping[str, str]) -> Outcome:
        """Run a call to its end, or stop it once it shows that it does its work."""
        places = {name: self.folder / name for name in ("store", "signed")}
        words = call.words.format(**servers, **places, **_ports()).split()
        with subprocess.Popen(
            [str(self._python.with_name("triptych")), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
            env=_environment(),
        ) as process:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line)
                if call.lasting and call.lasting in line:
                    process.send_signal(signal.SIGTERM)
        return _outcome("".join(lines))

    def helped(self, commands: list[str]) -> list[Outcome]:
        """What `--help` of each command came to, all in one process of this environment."""
        command = [str(self._python), "-c", _HELP, json.dumps(commands)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300, env=_environment())
        return [_outcome(output) for output in json.loads(done.stdout)]


def _outcome(output: str) -> Outcome:
    named = _NAMED.search(output)
    return Outcome(output, named[1] if named else None)


def _ports() -> Mapping[str, int]:
    one, other = Ports.free(), Ports.free()
    return dict(
        zip(("p1", "p2", "p3", "p4", "p5"), (one.http, one.grpc, one.metrics, other.http, other.grpc), strict=True)
    )


def _environment() -> Mapping[str, str]:
    """Without what this process's own environment adds; a bucket that nobody serves is asked once."""
    own = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    endpoint = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"}
    return own | endpoint | {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}


_HELP = """
import contextlib, io, json, sys, traceback
from triptych_ops import entry
outputs = []
for words in json.loads(sys.argv[1]):
    sys.argv = ["triptych", *words.split(), "--help"]
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        try:
            entry.main()
        except SystemExit:
            pass
        except BaseException:
            traceback.print_exc()
    outputs.append(text.getvalue())
print(json.dumps(outputs))
"""


@pytest.fixture(scope="module")
def template(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the calls work on: images, a run, a record of a load test, stores, keys, a kubeconfig."""
    folder = tmp_path_factory.mktemp("template")
    for channel, label in enumerate(("ants", "bees", "cats")):
        (folder / "pictures" / label).mkdir(parents=True)
        for number in range(10):
            colour = [10 * number, 10 * number, 10 * number]
            colour[channel] += 150
            Image.new("RGB", (40, 40), tuple(colour)).save(folder / "pictures" / label / f"{number}.png")
    shutil.copy(PHOTOGRAPHS[1].path, folder / "coffee.png")
    header = json.dumps({"other": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (folder / "other.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    write_kubeconfig(folder / "kubeconfig", "http://127.0.0.1:1")
    (folder / "plan.yaml").write_text("prometheus: http://127.0.0.1:1\nsteps: [{weight_percent: 100}]\n")
    subprocess.run(NEW_KEY_PAIR, shell=True, check=True, cwd=folder, capture_output=True)  # noqa: S602  our own words
    for name in ("store", "signed"):
        shutil.copytree(store, folder / name)
    with FakeServer() as server:
        for call in (
            "train pictures --out run --architecture lenet5 --epochs 1",
            f"loadtest run server --url {server.grpc_url} --rate 20 --seconds 4 --out load",
        ):
            done = triptych(*call.split(), cwd=folder)
            assert done.returncode in {0, 6}, done.stderr  # 6: a busy machine's load test, whose record is as good
    return folder


class Trials:
    """Calls in environments, each environment and each outcome made once, when it is asked for."""

    def __init__(self, make: Callable[[str], Environment], servers: Mapping[str, str]) -> None:
        self._make = functools.cache(make)
        self._making = threading.Lock()
        self._servers = servers
        self._found: dict[tuple[str, str], Outcome] = {}

    def _environment(self, extras: str) -> Environment:
        with self._making:
            return self._make(extras)

    def outcome(self, extras: str, name: str) -> Outcome:
        """The outcome of a call with these extras."""
        key = extras, name
        if key not in self._found:
            self._found[key] = self._environment(extras).outcome(CALLS[name], self._servers)
        return self._found[key]

    def helped(self, extras: str) -> Mapping[str, Outcome]:
        """The outcome of `--help` of each command with these extras."""
        names = sorted({name.partition(",")[0] for name in CALLS})
        return dict(zip(names, self._environment(extras).helped(names), strict=True))


@pytest.fixture(scope="module")
def trials(checkout: Path, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trials]:
    """Environments with the wheel of this checkout."""
    folder = tmp_path_factory.mktemp("extras")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=checkout, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    constraints = checkout / ".ci" / "constraints.txt"
    make = functools.partial(Environment, wheel=wheel, folder=folder, constraints=constraints, template=template)
    with FakeServer() as server:
        yield Trials(make, {"grpc": server.grpc_url, "http": server.http_url})


def extras_of(checkout: Path) -> list[str]:
    """All that users install, and none at all."""
    table = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    return [_NONE, *sorted(table.keys() - _LEFT_OUT)]


def leaves(group: click.Group, context: click.Context, name: str = "") -> Iterator[str]:
    """The name of every command that is no group of others."""
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        if isinstance(command, click.Group):
            yield from leaves(command, click.Context(command, parent=context, info_name=word), f"{name}{word} ")
        else:
            yield f"{name}{word}"


def test_every_command_is_called() -> None:
    context = click.Context(root, info_name="triptych")
    assert set(leaves(root, context)) == {name.partition(",")[0] for name in CALLS}


@pytest.mark.timeout(3600)
def test_each_command_runs_or_names_the_extra_that_it_needs(checkout: Path, trials: Trials) -> None:
    extras = extras_of(checkout)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        table = {
            extra: dict(zip(CALLS, pool.map(functools.partial(trials.outcome, extra), CALLS), strict=True))
            for extra in extras
        }
    print(shown(table))
    assert [
        fault for extra in extras for name in CALLS if (fault := fault_of(name, extra, table[extra][name], trials))
    ] == []
    assert table[_NONE]["serve"].extra == "serve"  # the control: a call without its packages is noticed


@pytest.mark.timeout(3600)
def test_the_help_of_each_command_is_shown_or_names_the_extra_that_it_needs(checkout: Path, trials: Trials) -> None:
    helped = {extra: trials.helped(extra) for extra in extras_of(checkout)}
    assert [
        f"{name} --help with [{extra}]: {outcome.output[-500:]}"
        for extra, row in helped.items()
        for name, outcome in row.items()
        if "Traceback" in outcome.output or (outcome.extra is None and not outcome.output.startswith("Usage: "))
    ] == []


def fault_of(name: str, installed: str, outcome: Outcome, trials: Trials) -> str | None:
    """What is wrong with an outcome: a traceback, or an extra that does not help, alone or beside the first one."""
    if "Traceback" in outcome.output:
        return f"{name} with [{installed}] ends in a traceback: {outcome.output[-500:]}"
    named = outcome.extra
    if named is None or trials.outcome(named, name).extra is None:
        return None
    if installed != _NONE and trials.outcome(f"{installed},{named}", name).extra is None:
        return None
    return f"{name} with [{installed}] names [{named}], which does not help"


def shown(table: Mapping[str, Mapping[str, Outcome]]) -> str:
    """The table of commands x extras: a dot where the command has all that it needs, else what it names."""
    lines = [" " * 26 + " ".join(f"{extra:<14}" for extra in table)]
    for name in CALLS:
        cells = (row[name].cell for row in table.values())
        lines.append(f"{name:<26}" + " ".join(f"{'.' if cell == 'runs' else cell:<14}" for cell in cells))
    return "\n".join(lines)
