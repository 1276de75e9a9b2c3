"""Signing, through the real Model Signing."""

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from triptych_ops.errors import OpsError, RefusedError, UsageError
from triptych_ops.release.signing import (
    SIGNATURE,
    KeySigner,
    KeyTrust,
    Trust,
    sign,
)

from .conftest import CONFIG, GRAPH, MANIFEST, MakeRelease, Pair, pem_of, put


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: curve.name)
def test_every_curve_signs(release: MakeRelease, tmp_path: Path, curve: ec.EllipticCurve) -> None:
    pair = Pair(tmp_path / "keys", curve)
    folder = release(7)
    put(folder, sign(folder, KeySigner(pair.private)))
    KeyTrust(pair.public).require(folder, number=7)


def test_what_was_altered_is_never_signed(release: MakeRelease, pair: Pair) -> None:
    folder = release(7)
    (folder / GRAPH).write_text("altered", encoding="utf-8")
    with pytest.raises(RefusedError, match=r"model\.onnx is not what the manifest says, so nothing was signed"):
        sign(folder, KeySigner(pair.private))
    assert not (folder / SIGNATURE).exists()


@pytest.mark.parametrize(
    ("tamper", "error", "words"),
    [
        (lambda at: (at / "extra").write_text(""), RefusedError, "extra is not what the manifest says"),
        (lambda at: (at / ".gitignore").write_text(""), RefusedError, ".gitignore is not what the manifest says"),
        (lambda at: (at / CONFIG).unlink(), RefusedError, "config.pbtxt is not what the manifest says"),
        (lambda at: (at / "extra").symlink_to("/"), OpsError, "release 7 could not be signed: .*extra"),
        (lambda at: (at / MANIFEST).write_text("{"), RefusedError, "release.json is corrupt"),
    ],
)
def test_a_folder_that_is_not_its_manifest_is_not_signed(
    release: MakeRelease, pair: Pair, tamper: Callable[[Path], object], error: type[OpsError], words: str
) -> None:
    folder = release(7)
    assert sign(folder, KeySigner(pair.private))
    tamper(folder)
    with pytest.raises(error, match=words):
        sign(folder, KeySigner(pair.private))


def test_only_the_manifest_that_was_checked_is_signed_or_trusted(signed: Path, pair: Pair, trust: Trust) -> None:
    document = (signed / MANIFEST).read_bytes()
    sha256 = hashlib.sha256(document).hexdigest()
    trust.require(signed, number=7, manifest_sha256=sha256)
    assert sign(signed, KeySigner(pair.private), document=document)
    (signed / MANIFEST).write_bytes(document.replace(b"0.75", b"0.76"))
    with pytest.raises(RefusedError, match=r"release\.json is not what the manifest says, so nothing was signed"):
        sign(signed, KeySigner(pair.private), document=document)
    put(signed, sign(signed, KeySigner(pair.private)))  # the control: it is sound and signed, and another
    trust.require(signed, number=7)
    with pytest.raises(RefusedError, match=r"release\.json was exchanged while it was checked"):
        trust.require(signed, number=7, manifest_sha256=sha256)


def test_signing_again_ignores_the_signature_that_is_there(signed: Path, tmp_path: Path) -> None:
    other = Pair(tmp_path / "other")
    put(signed, sign(signed, KeySigner(other.private)))
    KeyTrust(other.public).require(signed, number=7)


def test_an_encrypted_key_signs_with_its_password_alone(release: MakeRelease, pair: Pair, trust: Trust) -> None:
    pair.private.write_bytes(pem_of(pair.key, b"p\xc3\xa4ss"))
    for password, words in ((None, "is encrypted; give its password"), (b"wrong", "is not opened by that password")):
        with pytest.raises(UsageError, match=words):
            KeySigner(pair.private, password)
    signer = KeySigner(pair.private, b"p\xc3\xa4ss")
    folder = release(7)
    put(folder, sign(folder, signer))
    trust.require(folder, number=7)
    assert repr(signer) == f"KeySigner(private_key={pair.private!r})"


def test_a_password_for_a_key_that_needs_none_is_not_used(release: MakeRelease, pair: Pair) -> None:
    assert sign(release(7), KeySigner(pair.private, b"not needed"))


def test_what_signs_is_imported_only_where_something_is_signed() -> None:
    question = "import sys, triptych_ops.release.signing; print({'model_signing', 'cryptography'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", question], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
