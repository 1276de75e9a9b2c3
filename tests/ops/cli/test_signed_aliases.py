"""Signed aliases at the command line: the options, the file that remembers, and what each refusal says."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import releases
from triptych_ops.cli.rollout.chosen import chosen
from triptych_ops.cli.trust_options import Acceptance
from triptych_ops.errors import RefusedError
from triptych_ops.release import Store
from triptych_ops.release.signing import KeyTrust

Command = Callable[..., Any]
Run = Callable[..., Any]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with the sound releases 1 and 2, both signed by the key that `run` names."""
    made = Store(tmp_path / "store", user="ann@host")
    for number in (1, 2):
        releases.publish_sound(made, number)
    return made


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """A private key; its public half lies beside it, with the suffix .pub."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem, public = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    path = tmp_path / "key.pem"
    path.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    path.with_suffix(".pub").write_bytes(key.public_key().public_bytes(pem, public))
    return path


@pytest.fixture
def run(command: Command, store: Store, private: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`triptych release ARGUMENTS…` in that store, with releases that are signed."""
    monkeypatch.setenv("TRIPTYCH_STORE", store.location)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for number in store.numbers():
        assert command("release", "sign", number, "--key", private).status == 0
    return lambda *arguments: command("release", *arguments)


def refused(done: Any, status: int, words: str) -> None:
    (line,) = done.stderr.splitlines()
    assert (done.status, done.stdout) == (status, ""), done
    assert words in line


def test_a_signed_alias_is_pulled_remembered_and_not_set_back(
    run: Run, store: Store, private: Path, tmp_path: Path
) -> None:
    trust = ("--key", private.with_suffix(".pub"))
    assert run("tag", "stable", 1).stdout == "stable is release 1\n"
    refused(run("verify", "stable", *trust), 4, "is not signed: aliases/stable/000001.json has no signature; sign it")
    assert run("tag", "stable", 1, "--key", private).stdout == "stable is release 1, signed\n"
    assert run("tag", "stable", 2, "--key", private, "--json").document["signed"] is True
    assert run("verify", "stable", *trust).status == 0
    (accepted,) = json.loads((tmp_path / "state" / "triptych" / "aliases.json").read_bytes())["accepted"]
    assert (accepted["store"], accepted["alias"], accepted["sequence"]) == (store.location, "stable", 3)
    for path in Path(store.location).glob("aliases/stable/000003*"):
        path.unlink()
    for words in (("verify", "stable"), ("pull", "stable", tmp_path / "pulled")):
        refused(run(*words, *trust), 4, "was set back: its newest entry is 2, and entry 3 was accepted before")
    refused(run("tag", "stable", 2, "--key", private), 4, "was set back")  # nor does a tagger go on from there
    refused(run("tag", "other", "stable", "--key", private), 4, "was set back")  # nor from what it would name
    assert run("tag", "other", 2, "--key", private).status == 0
    assert run("pull", "stable", tmp_path / "pulled").status == 0  # who asks for no signature


def test_lists_show_what_is_signed(run: Run, private: Path) -> None:
    run("tag", "stable", 1)
    assert [line.split() for line in run("tag").stdout.splitlines()[2:]] == [["stable", "1"]]
    run("tag", "stable", 2, "--key", private)
    assert [line.split() for line in run("tag").stdout.splitlines()[2:]] == [["stable", "2", "2", "yes"]]
    assert run("tag", "--json").document["changes"] == {"stable": {"sequence": 2, "signed": True}}
    rows = [line.split() for line in run("tag", "stable", "--history").stdout.splitlines()[2:]]
    assert [(row[0], row[1], row[-1]) for row in rows] == [("1", "1", "-"), ("2", "2", "yes")]
    history = run("tag", "stable", "--history", "--json").document["history"]
    assert [(entry["sequence"], entry["number"], entry["signed"]) for entry in history] == [(1, 1, False), (2, 2, True)]
    assert "stable (signed)" in run("list").stdout


def test_a_minimum_needs_no_memory(run: Run, private: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As in a container, where there is no place for a file."""
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    trust = ("--key", private.with_suffix(".pub"))
    done = run("tag", "stable", 1, "--key", private)
    assert done.status == 0
    assert "the change of stable is made, but not remembered: Not a directory" in done.stderr
    done = run("verify", "stable", *trust)
    assert done.status == 0
    assert "was accepted is not remembered: Not a directory" in done.stderr
    done = run("verify", "stable", *trust, "--minimum-sequence", 1)
    assert (done.status, done.stderr) == (0, "")
    refused(run("verify", "stable", *trust, "--minimum-sequence", 2), 4, "is at entry 1, older than the least")
    refused(run("verify", "stable", *trust, "--state", tmp_path / "file" / "state"), 1, "Not a directory")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["verify", "stable", "--minimum-sequence", 1], 2, "--minimum-sequence is of signed aliases; name whose"),
        (["verify", "stable", "--minimum", 2], 4, "stable means release 1, older than the least that is accepted, 2"),
        (["tag", "stable", 2], 4, "name who signs, as by --key, or give --unsigned"),
        (["tag", "stable", "--remove"], 4, "name who signs, as by --key, or give --unsigned"),
        (["tag", "--unsigned"], 2, "--unsigned and a signer need an ALIAS"),
        (["tag", "stable", 2, "--unsigned", "--key", "KEY"], 2, "--unsigned and a signer exclude each other"),
        (["tag", "stable", "--history", "--key", "KEY"], 2, "--history changes nothing"),
        (["tag", "stable", 2, "--certificate", "KEY"], 2, "name who signs"),
    ],
)
def test_one_line_and_the_documented_exit_code(
    run: Run, private: Path, arguments: list[object], status: int, words: str
) -> None:
    run("tag", "stable", 1, "--key", private)
    refused(run(*(private if word == "KEY" else word for word in arguments)), status, words)


def test_an_unsigned_change_is_made_where_it_is_asked_for(run: Run, store: Store, private: Path) -> None:
    run("tag", "stable", 1, "--key", private)
    assert run("tag", "stable", 2, "--unsigned").stdout == "stable is release 2\n"
    assert run("tag", "stable", "--remove", "--key", private).stdout == "stable is removed, signed\n"
    assert [entry.record.sequence for entry in store.entries("stable")] == [1, 2, 3]


def test_serve_and_a_rollout_ask_for_the_same(
    run: Run, command: Command, store: Store, private: Path, tmp_path: Path
) -> None:
    public, acceptance = private.with_suffix(".pub"), Acceptance(None, None, tmp_path / "state.json")
    run("tag", "stable", 1)
    words = "stable of .* is not signed: aliases/stable/000001.json has no signature"
    done = command("serve", "stable", "--key", public)
    assert done.status == 4
    assert re.search(words, done.stderr)
    with pytest.raises(RefusedError, match=words):
        chosen(store, "stable", None, KeyTrust(public), acceptance)
    run("tag", "stable", 2, "--key", private)  # the control
    assert chosen(store, "stable", None, KeyTrust(public), acceptance)[0].release == 2
    refused(command("serve", "stable", "--key", public, "--minimum-sequence", 3), 4, "is at entry 2, older than")
