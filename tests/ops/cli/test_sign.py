"""`triptych release sign`, and the options that say whose signature is required."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from commands import triptych
from triptych import TriptychError
from triptych_ops.cli import failures
from triptych_ops.cli.release.sign import sign_release
from triptych_ops.cli.trust_options import trust_options
from triptych_ops.release import Release, Store
from triptych_ops.release.signing import SIGNATURE, CertificateTrust, KeyTrust, SigstoreTrust, Trust

Publish = Callable[..., Release]


def run(command: click.Command, *arguments: object) -> tuple[int, str]:
    """A command's exit code, and what it says of an error."""
    context_settings = {"auto_envvar_prefix": "TRIPTYCH_RELEASE_COMMAND"}
    try:
        command.main([*map(str, arguments)], prog_name="triptych", standalone_mode=False, **context_settings)
    except (click.ClickException, TriptychError, OSError) as error:
        return failures.exit_code(error), failures.line(error)
    return 0, ""


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A folder with private.pem, encrypted.pem (the password is `secret`) and public.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    secret = serialization.BestAvailableEncryption(b"secret")
    (tmp_path / "private.pem").write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
    (tmp_path / "encrypted.pem").write_bytes(key.private_bytes(pem, pkcs8, secret))
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "public.pem").write_bytes(public)
    return tmp_path


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.server)])
def store(tmp_path: Path, request: pytest.FixtureRequest) -> Store:
    """An empty store, once in a folder and once in a bucket."""
    return Store(tmp_path / "store" if request.param == "folder" else request.getfixturevalue("new_prefix")())


def accepted(store: Store, trust: Trust) -> bool:
    """Whether the newest release of the store carries a signature that is trusted."""
    release = store.release()
    with store.local_copy(release) as folder:
        trust.require(folder, number=release.number)
    return True


def test_a_release_of_a_store_is_signed(
    store: Store, publish: Publish, keys: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release = publish(store, 7)
    assert run(sign_release, "7", "--store", store.location, "--key", keys / "private.pem") == (0, "")
    assert capsys.readouterr().out == f"release 7 signed: {release.location}/{SIGNATURE}\n"
    assert accepted(store, KeyTrust(keys / "public.pem"))


def test_it_is_a_command_of_triptych(tmp_path: Path, publish: Publish, keys: Path) -> None:
    store = Store(tmp_path / "store")
    publish(store, 7)
    done = triptych("release", "sign", "7", "--store", store.location, "--key", keys / "private.pem")
    assert (done.returncode, done.stderr) == (0, "")
    assert accepted(store, KeyTrust(keys / "public.pem"))


def test_json_names_the_release_and_its_signature(
    tmp_path: Path, publish: Publish, keys: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path / "store")
    publish(store, 7)
    store.tag("stable", 7)
    command = ("stable", "--store", store.location, "--key", keys / "private.pem", "--json")
    assert run(sign_release, *command) == (0, "")
    assert json.loads(capsys.readouterr().out) == {
        "schema_version": 1,
        "release": 7,
        "signature": f"{store.location}/releases/7/{SIGNATURE}",
    }


def test_an_altered_release_is_not_signed(tmp_path: Path, publish: Publish, keys: Path) -> None:
    store = Store(tmp_path / "store")
    release = publish(store, 7)
    (release.folder / "repository" / "model.onnx").write_text("MODEL", encoding="utf-8")
    status, line = run(sign_release, "7", "--store", store.location, "--key", keys / "private.pem")
    assert status == 4
    assert "model.onnx was altered" in line
    assert not (release.folder / SIGNATURE).exists()


@pytest.mark.parametrize("means", ["file", "variable"])
def test_a_password_comes_from_a_file_or_the_environment(
    tmp_path: Path, publish: Publish, keys: Path, monkeypatch: pytest.MonkeyPatch, means: str
) -> None:
    store = Store(tmp_path / "store")
    publish(store, 7)
    command: list[object] = ["7", "--store", store.location, "--key", keys / "encrypted.pem"]
    assert run(sign_release, *command)[0] == 2
    password = keys / "password"
    password.write_text("secret\nand a second line\n")
    if means == "file":
        monkeypatch.setenv("TRIPTYCH_KEY_PASSWORD", "wrong, and the file comes first")
        command += ["--key-password-file", password]
    else:
        monkeypatch.setenv("TRIPTYCH_KEY_PASSWORD", "secret")
    assert run(sign_release, *command) == (0, "")
    assert accepted(store, KeyTrust(keys / "public.pem"))


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ([], 2, "name who signs: --key PRIVATE.pem, --key with --certificate, or --sigstore"),
        (["--key", "none.pem"], 3, "there is no file none.pem"),
        (["--key", "public.pem"], 2, "public.pem holds no private key in PEM"),
        (["--key", "."], 2, ". is no plain file"),
        (["--key", ""], 2, ". is no plain file"),
        (["--key", "encrypted.pem"], 2, "encrypted.pem is encrypted; give its password"),
        (["--key", "encrypted.pem", "--key-password-file", "public.pem"], 2, "is not opened by that password"),
        (["--key", "encrypted.pem", "--key-password-file", "none"], 3, "there is no password file none"),
        (["--key", "encrypted.pem", "--key-password-file", "."], 2, ". is a folder"),
        (["--key", "private.pem", "--certificate-chain", "public.pem"], 2, "goes with --certificate"),
        (["--key", "private.pem", "--certificate", "public.pem"], 2, "public.pem holds no certificates in PEM"),
        (["--key", "private.pem", "--sigstore"], 2, "--sigstore signs without a key"),
        (["--key", "private.pem"], 3, "there is no store at"),
    ],
)
def test_what_cannot_sign_is_one_line(
    keys: Path, monkeypatch: pytest.MonkeyPatch, arguments: Sequence[str], status: int, words: str
) -> None:
    monkeypatch.chdir(keys)
    found, line = run(sign_release, "7", "--store", "nowhere", *arguments)
    assert (found, words in line) == (status, True), line


def test_the_variable_of_the_trusted_key_signs_nothing(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIPTYCH_KEY", str(keys / "private.pem"))
    assert run(sign_release, "7", "--store", "nowhere")[1].startswith("name who signs")


def test_help_tells_how_a_pair_of_keys_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    run(sign_release, "--help")
    shown = capsys.readouterr().out
    assert "    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out private.pem\n" in shown
    assert "    openssl pkey -in private.pem -pubout -out public.pem\n" in shown


WITHOUT = """
import sys

sys.modules["model_signing"] = None
sys.argv = ["triptych", "release", "sign", "7", "--key", "private.pem"]
from triptych_ops.entry import main

main()
"""


def test_a_missing_package_is_said_with_the_extra_that_brings_it() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "triptych: this needs the package model_signing; run: pip install 'triptych[sign]'\n"


given: list[tuple[str, Trust | None]] = []


@click.command
@click.argument("ref")
@trust_options
@click.option("--last", is_flag=True)
def verify(ref: str, trust: Trust | None, last: bool) -> None:
    assert not last
    given.append((ref, trust))


@pytest.fixture
def certificates(keys: Path) -> Path:
    command = "openssl req -x509 -key private.pem -subj /CN=root -out root.pem"
    subprocess.run(command.split(), cwd=keys, check=True, capture_output=True)
    return keys / "root.pem"


def trust_of(*arguments: object) -> Trust | None:
    given.clear()
    assert run(verify, "7", *arguments) == (0, "")
    ((ref, trust),) = given
    assert ref == "7"
    return trust


def test_each_kind_of_signer(keys: Path, certificates: Path) -> None:
    assert trust_of() is None
    assert trust_of("--key", keys / "public.pem") == KeyTrust(keys / "public.pem")
    assert trust_of("--certificate-chain", certificates) == CertificateTrust(certificates)
    sigstore = ("--identity", "ann@example.org", "--identity-provider", "https://example.org")
    assert trust_of(*sigstore) == SigstoreTrust("ann@example.org", "https://example.org")


def test_the_environment_says_it_as_well_and_a_flag_beats_it(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    another = keys / "another.pem"
    another.write_bytes((keys / "public.pem").read_bytes())
    monkeypatch.setenv("TRIPTYCH_KEY", str(another))
    assert trust_of() == KeyTrust(another)
    assert trust_of("--key", keys / "public.pem") == KeyTrust(keys / "public.pem")
    monkeypatch.delenv("TRIPTYCH_KEY")
    monkeypatch.setenv("TRIPTYCH_IDENTITY", "ann@example.org")
    monkeypatch.setenv("TRIPTYCH_IDENTITY_PROVIDER", "https://example.org")
    assert trust_of() == SigstoreTrust("ann@example.org", "https://example.org")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--key", "none.pem"], 3, "there is no file none.pem"),
        (["--key", "private.pem"], 2, "private.pem holds no public key in PEM"),
        (["--key", ""], 2, ". is no plain file"),
        (["--certificate-chain", "public.pem"], 2, "public.pem holds no certificates in PEM"),
        (["--certificate-chain", "none.pem"], 3, "there is no file none.pem"),
        (["--identity", "ann@example.org"], 2, "--identity and --identity-provider belong together"),
        (["--identity-provider", "https://example.org"], 2, "--identity and --identity-provider belong together"),
        (["--identity", "", "--identity-provider", ""], 2, "name both"),
        (["--key", "public.pem", "--identity", "x"], 2, "--key and --identity exclude each other"),
        (["--key", "public.pem", "--identity-provider", "x"], 2, "--key and --identity exclude each other"),
        (["--key", "public.pem", "--certificate-chain", "x"], 2, "--key and --certificate-chain exclude each other"),
    ],
)
def test_what_cannot_be_trusted_is_one_line(
    keys: Path, monkeypatch: pytest.MonkeyPatch, arguments: Sequence[str], status: int, words: str
) -> None:
    monkeypatch.chdir(keys)
    given.clear()
    found, line = run(verify, "7", *arguments)
    assert (found, words in line) == (status, True), line
    assert given == []


def test_a_variable_and_a_flag_of_different_kinds_exclude_each_other(
    keys: Path, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIPTYCH_KEY", os.fspath(keys / "public.pem"))
    status, line = run(verify, "7", "--certificate-chain", certificates)
    assert status == 2
    assert "--key and --certificate-chain exclude each other, as flags or as TRIPTYCH_ variables" in line
