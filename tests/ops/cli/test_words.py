"""What an error says to somebody at a command line: its own options, and no numbers of the system."""

import ast
import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError

import pytest

from certificates import Authority
from kubeconfigs import write_kubeconfig
from terminals import at_terminal
from triptych.testing import Certificate, Failure, FakeServer, label
from triptych_ops.cli.failures import _OPTIONS, in_options
from triptych_ops.errors import reason

from .conftest import Command

_API = re.compile(
    r"\b(?:timeout_s|top_k|fetch_urls|plaintext_secrets|with_options|shrink|batch_size)\b[ =]|\bheaders="
    r"|\b[a-z_]+=(?:True|False|None|FUNCTION|\{|[A-Z]\w*\()|\bTls\b"
)
"""Words that name a parameter or a type of the Python interface."""

_FOR_PROGRAMS = ("shrink", "batch_size", "pickled", "{endpoint} did not answer within {timeout_s:g}")
"""Of messages that the command line never causes: it has no such parameter."""


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


def messages(folder: Path) -> Iterator[str]:
    """Every text of the SDK that has words in it, docstrings aside."""
    for path in sorted(folder.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "key" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings | parts:
                yield node.value


def test_no_message_of_the_sdk_names_a_parameter_of_python(checkout: Path) -> None:
    found = [text for text in messages(checkout / "client" / "triptych") if " " in text and _API.search(text)]
    assert any("fetch_urls=True" in text for text in found)  # the control: there are such messages
    left = [text for text in map(in_options, found) if _API.search(text)]
    assert [text for text in left if not any(word in text for word in _FOR_PROGRAMS)] == []


def test_each_translation_is_of_words_that_the_sdk_says(checkout: Path) -> None:
    said = "\n".join(messages(checkout / "client" / "triptych"))
    assert [words for words in _OPTIONS if words not in said] == []


def test_a_url_as_an_image_is_told_the_variable(command: Command, server: FakeServer) -> None:
    done = command("classify", "http://127.0.0.1:1/a.jpg", "--url", server.grpc_url)
    assert done.stderr.endswith("set TRIPTYCH_FETCH_URLS=yes, or name a file (url_refused)\n")
    done = command("classify", "http://127.0.0.1:1/a.jpg", "--json", "--url", server.grpc_url)
    assert "TRIPTYCH_FETCH_URLS=yes" in done.document["error"]["message"]


def test_the_variable_has_the_url_fetched(
    command: Command, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIPTYCH_FETCH_URLS", "yes")
    done = command("classify", "http://127.0.0.1:1/a.jpg", "--url", server.grpc_url)
    assert "url_refused" in done.stderr
    assert "TRIPTYCH_FETCH_URLS" not in done.stderr  # now it is the address that is refused


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_who_lacks_a_key_is_told_the_option_and_the_option_sends_it(command: Command, protocol: str) -> None:
    with FakeServer() as server:
        url = server.grpc_url if protocol == "grpc" else server.http_url
        server.fails = Failure("UNAUTHENTICATED", http=401)
        for arguments in (["health"], ["classify", __file__]):
            done = command(*arguments, "--url", url)
            assert done.status == 1
            assert "give it --header x-api-key=KEY" in done.stdout + done.stderr
        server.fails = None
        assert command("classify", __file__, "--header", "X-API-Key=abc", "--url", url).status == 0
        assert server.headers[-1]["x-api-key"] == "abc"


def test_a_server_of_an_authority_of_ones_own(command: Command, tmp_path: Path) -> None:
    authority, of_clients = Authority(tmp_path, "servers"), Authority(tmp_path, "clients")
    certificate, key = authority.issue("server")
    own, own_key = of_clients.issue("somebody")
    with FakeServer(tls=Certificate(certificate, key, client_ca=of_clients.file)) as server:
        for url in (server.grpc_url, server.http_url):
            done = command("classify", __file__, "--url", url)
            assert "give --tls-ca FILE" in done.stderr
            trusting = ("classify", __file__, "--url", url, "--tls-ca", authority.file)
            assert "give --tls-cert FILE and --tls-key FILE" in command(*trusting).stderr
            done = command(*trusting, "--tls-cert", own)
            assert (done.status, done.stderr.endswith("and no key; give both files, or neither\n")) == (2, True)
            done = command(*trusting, "--tls-cert", own, "--tls-key", own_key)
            assert (done.status, done.stderr) == (0, "")
            assert server.callers[-1] == "somebody"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--tls-ca", "nosuch.pem"], "nosuch.pem cannot be read: No such file or directory; name a PEM file"),
        (["--header", "x"], "'x' is no header; write NAME=VALUE"),
        (["--header", "content-length=1"], "the header content-length is the protocol's own; leave it out"),
        (["--header", "x-api-key=abc", "--url", "http://10.0.0.7:1"], "in plain; use grpcs:// or https://"),
    ],
)
def test_options_that_make_no_sense_are_one_line(command: Command, options: list[str], words: str) -> None:
    done = command("health", *options)
    assert done.status == 2
    (line,) = done.stderr.splitlines()
    assert words in line


def from_stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))


def test_a_dash_is_standard_input(command: Command, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from_stdin(monkeypatch, b"piped")
    assert label(b"piped") in command("classify", "-", "--url", server.grpc_url).stdout
    from_stdin(monkeypatch, b"piped")
    document = command("classify", "-", "--json", "--url", server.grpc_url).document
    assert (document["image"], document["predictions"][0]["label"]) == ("-", label(b"piped"))
    from_stdin(monkeypatch, b"piped")
    assert command("classify", "-", "--csv", "--url", server.grpc_url).stdout.splitlines()[1].startswith("-,")


def test_a_dash_stands_among_folders_and_files(
    command: Command, server: FakeServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"a file")
    from_stdin(monkeypatch, b"piped")
    arguments = ("classify", tmp_path / "photos", "-", "--json", "--out", "rows.jsonl", "--url", server.grpc_url)
    assert command(*arguments).status == 0
    rows = [json.loads(line) for line in Path("rows.jsonl").read_text().splitlines()]
    assert [row["predictions"][0]["label"] for row in rows] == [label(b"a file"), label(b"piped")]


def test_standard_input_that_is_no_image(command: Command, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from_stdin(monkeypatch, b"")
    done = command("classify", "-", "--url", server.grpc_url)
    assert (done.status, done.stderr) == (1, "triptych: standard input: the image has 0 bytes (empty_image)\n")
    done = command("classify", "-", "-", "--url", server.grpc_url)
    assert (done.status, done.stderr) == (2, "triptych: standard input holds one image; give - once\n")


def test_a_terminal_shows_progress_while_the_rows_go_to_a_file(server: FakeServer, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for number in range(96):
        (tmp_path / "photos" / f"{number}.jpg").write_bytes(b"image %d" % number)
    server.answer_s = 0.5
    arguments = ("classify", "photos", "--json", "--concurrency", 1, "--url", server.grpc_url)
    status, screen = at_terminal(*arguments, "--out", "rows.jsonl", cwd=tmp_path)
    assert status == 0
    assert re.search(r"[1-9]\d*/96", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen))
    assert "96 files: 96 classified" in screen
    status, screen = at_terminal(*arguments, cwd=tmp_path)  # the answers themselves
    assert "/96" not in screen


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (OSError(111, "Connect call failed ('127.0.0.1', 1)"), "Connection refused"),
        (URLError(ConnectionRefusedError(111, "Connection refused")), "Connection refused"),
        (URLError(OSError(-2, "Name or service not known")), "Name or service not known"),
        (
            OSError("HTTPConnection(host='::1', port=1): Failed: [Errno 111] Connection refused"),
            "Failed: Connection refused",
        ),
        (TimeoutError("timed out"), "timed out"),
        (TimeoutError(), "TimeoutError"),
        (ValueError("line 1\nline 2."), "line 1 line 2"),
    ],
)
def test_a_reason_has_no_number_of_the_system(error: Exception, words: str) -> None:
    assert reason(error) == words


@pytest.mark.parametrize(
    "arguments",
    [
        "top --once --metrics http://127.0.0.1:1/metrics",
        "top --once --prometheus http://127.0.0.1:1",
        "monitoring budget --prometheus http://127.0.0.1:1",
        "rollout status --kubeconfig kubeconfig",
        "loadtest run server --seconds 1 --url http://127.0.0.1:1",
        "loadtest run server --seconds 1 --url http://127.0.0.1:1 --rest",
        "health --url http://127.0.0.1:1",
        "classify x --url http://127.0.0.1:1",
    ],
)
def test_a_port_where_nobody_listens(command: Command, arguments: str) -> None:
    write_kubeconfig(Path("kubeconfig"), "http://127.0.0.1:1")
    Path("x").write_bytes(b"x")
    done = command(*arguments.split())
    assert done.status == 1
    line = (done.stderr or done.stdout).splitlines()[-1]
    assert "127.0.0.1:1" in line
    assert "Connection refused" in line
    assert not re.search(r"Errno|urlopen|HTTPConnection|Connect call|\(host=", line)


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        (None, 3, "there is no kubeconfig kubeconfig; name one with --kubeconfig, or set KUBECONFIG"),
        ("", 2, "kubeconfig names no cluster: kubeconfig file is empty; name another"),
        ("words", 2, "kubeconfig is not a kubeconfig"),
        ("[1]", 2, "kubeconfig is not a kubeconfig"),
        ("a: [", 2, "kubeconfig is not a kubeconfig"),
        ("clusters: 3", 2, "kubeconfig"),
        ("{}", 2, "kubeconfig names no cluster: Expected key current-context in it; name another"),
    ],
)
def test_a_kubeconfig_that_is_none(command: Command, text: str | None, status: int, words: str) -> None:
    if text is not None:
        Path("kubeconfig").write_text(text)
    done = command("rollout", "status", "--kubeconfig", "kubeconfig")
    assert done.status == status
    (line,) = done.stderr.splitlines()
    assert words in line
    assert ".;" not in line


def test_no_kubeconfig_at_all_and_a_context_that_is_not_there(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "nosuch:nosuch-either")
    done = command("rollout", "status")
    assert (done.status, "there is no kubeconfig nosuch:nosuch-either" in done.stderr) == (3, True)
    write_kubeconfig(Path("kubeconfig"), "http://127.0.0.1:1")
    done = command("rollout", "status", "--kubeconfig", "kubeconfig", "--context", "y")
    assert (done.status, "name y" in done.stderr, "--context" in done.stderr) == (2, True, True)


def test_escape_sequences_of_a_server_do_not_reach_a_terminal(tmp_path: Path) -> None:
    name = "a\x1b[31m.jpg"
    (tmp_path / name).write_bytes(b"image")
    with FakeServer() as server:
        for form in ("--csv", "--json"):
            _, screen = at_terminal("classify", name, form, "--url", server.grpc_url, cwd=tmp_path)
            assert "\x1b" not in screen
            assert r"a\x1b[31m.jpg" in screen or r"a\u001b[31m.jpg" in screen
        server.fails = Failure("INTERNAL", 500, message="red \x1b[31m alert")
        for arguments in (["health"], ["health", "--json"], ["classify", name]):
            _, screen = at_terminal(*arguments, "--url", server.grpc_url, cwd=tmp_path)
            assert "alert" in screen
            assert "\x1b" not in screen
