"""Whom to believe, through the real Model Signing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from model_signing import hashing, signing, verifying

from triptych_ops.errors import RefusedError, UsageError
from triptych_ops.release import Manifest, Release, Store, pull
from triptych_ops.release.signing import (
    SIGNATURE,
    KeySigner,
    KeyTrust,
    SigstoreTrust,
    Trust,
    sign,
)

from .conftest import CONFIG, GRAPH, MANIFEST, MakeRelease, Pair, put


def stock_tool(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "model_signing", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_case_16_unsigned_wrong_key_altered_and_replayed_are_refused(
    release: MakeRelease, pair: Pair, trust: Trust, tmp_path: Path
) -> None:
    older, newer = release(6), release(7)
    for folder in (older, newer):
        put(folder, sign(folder, KeySigner(pair.private)))
        trust.require(folder, number=int(folder.name))  # the control: what is right passes

    def copy(name: str, origin: Path = newer) -> Path:
        return shutil.copytree(origin, tmp_path / name / "7")

    unsigned, foreign, altered, replayed = copy("a"), copy("b"), copy("c"), copy("d", older)
    (unsigned / SIGNATURE).unlink()
    put(foreign, sign(foreign, KeySigner(Pair(tmp_path / "another").private)))
    (altered / GRAPH).write_text("Graph 7", encoding="utf-8")
    attacks = {
        unsigned: r"release 7 is not signed; sign it with: triptych release sign 7",
        foreign: r"release 7 is not signed by the key .*public\.pem; ask who signed it$",
        altered: r"/7/repository/classifier/7/model\.onnx was altered after it was signed",
        replayed: r"release 7 is what was signed as release 6",
    }
    refused = 0
    for folder, words in attacks.items():
        with pytest.raises(RefusedError, match=words):
            trust.require(folder, number=7)
        refused += 1
    assert refused == 4
    print(f"case 16: {refused} of 4 refused")


def test_case_16_nothing_of_them_is_pulled(
    tmp_path: Path, publish: Callable[..., Release], manifest_of: Callable[[int, Path], Manifest], pair: Pair
) -> None:
    def signed_store(name: str) -> Store:
        """A store with releases 6 and 7, both signed."""
        store = Store(tmp_path / name)
        for number in (6, 7):
            release = publish(store, number, f"graph {number}")
            store.attach_signature(release, sign(release.folder, KeySigner(pair.private)))
        return store

    def forge(folder: Path) -> None:
        """What somebody who can write to the store does: all but the signature fits what was altered."""
        (folder / MANIFEST).unlink()
        signature = (folder / SIGNATURE).rename(folder.with_name("signature"))
        manifest_of(7, folder).write(folder / MANIFEST)
        signature.rename(folder / SIGNATURE)
        (folder.parents[1] / "numbers" / "7.json").unlink()

    def alter(folder: Path) -> None:
        (folder / "repository" / "model.onnx").write_text("altered", encoding="utf-8")
        forge(folder)

    def replay(folder: Path) -> None:
        shutil.rmtree(folder)
        shutil.copytree(folder.with_name("6"), folder)
        forge(folder)

    def sign_otherwise(folder: Path) -> None:
        put(folder, sign(folder, KeySigner(Pair(tmp_path / "another").private)))

    def pulled(store: Store) -> Path:
        folder = tmp_path / "models" / Path(store.location).name
        trust = KeyTrust(pair.public)
        pull(store.release(7), folder, check=lambda staged: trust.require(staged, number=7))
        return folder

    assert (pulled(signed_store("untouched")) / "repository").is_dir()
    attacks: dict[str, tuple[Callable[[Path], object], str]] = {
        "unsigned": (lambda folder: (folder / SIGNATURE).unlink(), "release 7 is not signed; sign it"),
        "foreign": (sign_otherwise, "release 7 is not signed by the key"),
        "altered": (alter, r"release\.json was altered after it was signed"),
        "replayed": (replay, r"release\.json was altered after it was signed"),
    }
    refused = 0
    for name, (attack, words) in attacks.items():
        store = signed_store(name)
        attack(store.release(7).folder)
        store.release(7).verify()  # the digests fit
        with pytest.raises(RefusedError, match=words):
            pulled(store)
        assert not (tmp_path / "models" / name).exists()
        refused += 1
    assert refused == 4
    print(f"case 16: {refused} of 4 refused, nothing pulled")


def test_a_signed_release_can_be_moved(signed: Path, trust: Trust, tmp_path: Path) -> None:
    pulled = tmp_path / "models"
    signed.rename(pulled)
    trust.require(pulled, number=7)
    (tmp_path / "current").symlink_to(pulled)
    trust.require(tmp_path / "current", number=7)


@pytest.mark.server  # seconds for a process of its own
def test_the_stock_tool_accepts_what_was_signed_here_and_refuses_it_altered(signed: Path, pair: Pair) -> None:
    command = ("verify", "key", signed, "--signature", signed / SIGNATURE, "--public_key", pair.public)
    accepted = stock_tool(*command)
    assert (accepted.returncode, accepted.stdout) == (0, "Verification succeeded\n"), accepted.stderr
    (signed / GRAPH).write_text("altered", encoding="utf-8")
    assert stock_tool(*command).returncode == 1


@pytest.mark.server  # seconds for a process of its own
def test_what_the_stock_tool_signed_is_accepted_but_not_the_files_that_it_passes_over(
    release: MakeRelease, pair: Pair, trust: Trust
) -> None:
    folder = release(7)
    done = stock_tool("sign", "key", folder, "--signature", folder / SIGNATURE, "--private_key", pair.private)
    assert done.returncode == 0, done.stderr
    trust.require(folder, number=7)
    (folder / ".gitignore").write_text("x", encoding="utf-8")
    verifying.Config().use_elliptic_key_verifier(public_key=pair.public).verify(folder, folder / SIGNATURE)  # type: ignore[no-untyped-call]
    with pytest.raises(RefusedError, match=r"/7/\.gitignore was added after it was signed"):
        trust.require(folder, number=7)


def test_a_signature_that_leaves_files_out_is_refused(release: MakeRelease, pair: Pair, trust: Trust) -> None:
    folder = release(7)
    lax = hashing.Config().set_ignored_paths(paths=[SIGNATURE, "repository"])  # type: ignore[no-untyped-call]
    config = signing.Config().use_elliptic_key_signer(private_key=pair.private)  # type: ignore[no-untyped-call]
    config.set_hashing_config(lax).sign(folder, folder / SIGNATURE)
    verifying.Config().use_elliptic_key_verifier(public_key=pair.public).verify(folder, folder / SIGNATURE)  # type: ignore[no-untyped-call]
    with pytest.raises(RefusedError, match="was added after it was signed"):
        trust.require(folder, number=7)


def link_to_the_same_bytes(folder: Path) -> None:
    elsewhere = folder.parent / "elsewhere"
    (folder / GRAPH).rename(elsewhere)
    (folder / GRAPH).symlink_to(elsewhere)


@pytest.mark.parametrize(
    ("tamper", "name", "problem"),
    [
        pytest.param(lambda at: (at / GRAPH).write_text("graph 8"), GRAPH, "was altered", id="altered"),
        pytest.param(lambda at: (at / GRAPH).write_text(""), GRAPH, "was altered", id="emptied"),
        pytest.param(lambda at: (at / CONFIG).write_text("Name"), CONFIG, "was altered", id="configuration"),
        pytest.param(
            lambda at: (at / MANIFEST).write_text((at / MANIFEST).read_text().replace("0.75", "0.76")),
            MANIFEST,
            "was altered",
            id="a figure of the manifest",
        ),
        pytest.param(lambda at: (at / CONFIG).unlink(), CONFIG, "is signed but missing", id="removed"),
        pytest.param(lambda at: (at / MANIFEST).unlink(), MANIFEST, "is signed but missing", id="no manifest"),
        pytest.param(lambda at: (at / "extra").write_text(""), "extra", "was added", id="added"),
        pytest.param(lambda at: (at / "repository/.x").write_text(""), "repository/.x", "was added", id="hidden"),
        pytest.param(
            lambda at: (at / "repository" / SIGNATURE).write_text(""), f"repository/{SIGNATURE}", "was added", id="sig"
        ),
        pytest.param(link_to_the_same_bytes, GRAPH, "is a link", id="link to the same bytes"),
        pytest.param(lambda at: (at / "extra").symlink_to("/"), "extra", "is a link", id="link to a folder"),
        pytest.param(lambda at: os.mkfifo(at / "extra"), "extra", "special file", id="fifo"),
    ],
)
def test_what_changed_after_signing_is_refused_by_the_files_name(
    signed: Path, trust: Trust, tamper: Callable[[Path], object], name: str, problem: str
) -> None:
    trust.require(signed, number=7)
    tamper(signed)
    with pytest.raises(RefusedError, match=problem) as caught:
        trust.require(signed, number=7)
    assert str(caught.value).startswith(f"{signed / name} ")


def test_the_signature_of_another_release_is_refused(release: MakeRelease, pair: Pair, trust: Trust) -> None:
    older, newer = release(6), release(7)
    put(newer, sign(older, KeySigner(pair.private)))
    with pytest.raises(RefusedError, match="release 7 is what was signed as release 6"):
        trust.require(newer, number=7)


def test_a_release_without_version_folders_is_not_replayed_either(
    tmp_path: Path, manifest_of: Callable[[int, Path], Manifest], pair: Pair, trust: Trust
) -> None:
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository" / "model.onnx").write_text("graph", encoding="utf-8")
    folder = shutil.copytree(tmp_path / "repository", tmp_path / "6" / "repository").parent
    manifest_of(6, folder).write(folder / MANIFEST)
    put(folder, sign(folder, KeySigner(pair.private)))
    trust.require(folder, number=6)
    with pytest.raises(RefusedError, match="release 7 is what was signed as release 6"):
        trust.require(folder, number=7)


def test_what_the_disk_itself_holds_beside_a_release_is_not_its_own(signed: Path, trust: Trust) -> None:
    for name in ("lost+found", ".pull-other.triptych-scratch"):
        (signed / name).mkdir()
        (signed / name / "#12").symlink_to("nowhere")
    trust.require(signed, number=7)
    (signed / "repository" / "lost+found").mkdir()
    (signed / "repository" / "lost+found" / "x").touch()
    with pytest.raises(RefusedError, match=r"lost\+found/x was added after it was signed"):
        trust.require(signed, number=7)


@pytest.mark.parametrize(("identity", "provider"), [("", "https://x"), ("ann@example.org", "")])
def test_an_identity_is_accepted_from_a_named_provider_alone(identity: str, provider: str) -> None:
    with pytest.raises(UsageError, match="name both"):
        SigstoreTrust(identity, provider)


UNREACHABLE = """
from pathlib import Path
from triptych_ops.errors import OpsError
from triptych_ops.release.signing import SigstoreSigner, SigstoreTrust, sign

folder = Path("releases/7")
for attempt in (
    lambda: sign(folder, SigstoreSigner("token")),
    lambda: SigstoreTrust("ann@example.org", "https://example.org").require(folder, number=7),
):
    try:
        attempt()
    except OpsError as error:
        print(error.exit_code, error)
"""


@pytest.mark.server  # seconds for a process of its own
def test_sigstore_out_of_reach_is_said_and_is_no_refusal(signed: Path, tmp_path: Path) -> None:
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:1")
    folders = dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"), str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", UNREACHABLE],
        capture_output=True,
        text=True,
        cwd=signed.parents[1],
        env={**os.environ, **nowhere, **folders},
        check=False,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 2, done.stderr
    assert all(line.startswith("1 Sigstore cannot be reached: ") for line in lines)
