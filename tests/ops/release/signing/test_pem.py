"""Files that hold keys, or do not."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from triptych_ops.errors import MissingError, UsageError
from triptych_ops.release.signing import (
    NEW_KEY_PAIR,
    CertificateTrust,
    KeySigner,
    KeyTrust,
    sign,
)

from .conftest import MakeRelease, pem_of, public_pem_of, put

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)


UNSUPPORTED = "is not an elliptic curve key on P-256, P-384 or P-521"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "holds no private key in PEM; make a pair with: openssl genpkey", id="empty"),
        pytest.param(b"\0\1", "holds no private key in PEM", id="binary"),
        pytest.param(public_pem_of(ec.generate_private_key(ec.SECP256R1())), "holds no private key", id="public"),
        pytest.param(pem_of(RSA), UNSUPPORTED, id="RSA"),
        pytest.param(pem_of(ec.generate_private_key(ec.SECP256K1())), UNSUPPORTED, id="another curve"),
        pytest.param(pem_of(RSA, b"secret"), "is encrypted; give its password", id="encrypted"),
    ],
)
def test_a_file_that_is_no_signing_key(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=words) as caught:
        KeySigner(file)
    assert str(caught.value).startswith(str(file))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "holds no public key in PEM; make one with: openssl genpkey", id="empty"),
        pytest.param(pem_of(ec.generate_private_key(ec.SECP256R1())), "openssl pkey -in .* -pubout", id="private"),
        pytest.param(public_pem_of(RSA), UNSUPPORTED, id="RSA"),
        pytest.param(public_pem_of(ec.generate_private_key(ec.SECP256K1())), UNSUPPORTED, id="another curve"),
    ],
)
def test_a_file_that_is_no_public_key(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=words) as caught:
        KeyTrust(file)
    assert str(caught.value).startswith(str(file))


@pytest.mark.parametrize("of", [KeySigner, KeyTrust, CertificateTrust])
def test_a_key_that_is_not_there(tmp_path: Path, of: Callable[[Path], object]) -> None:
    with pytest.raises(MissingError, match=r"there is no file .*/none\.pem"):
        of(tmp_path / "none.pem")
    with pytest.raises(UsageError, match="is no plain file"):
        of(tmp_path)


@pytest.mark.parametrize("command", [NEW_KEY_PAIR, "openssl ecparam -name secp384r1 -genkey -out private.pem && "
                                     "openssl ec -in private.pem -pubout -out public.pem"])  # fmt: skip
def test_keys_made_by_openssl_sign(release: MakeRelease, tmp_path: Path, command: str) -> None:
    subprocess.run(["sh", "-ec", command], cwd=tmp_path, check=True, capture_output=True)
    folder = release(7)
    put(folder, sign(folder, KeySigner(tmp_path / "private.pem")))
    KeyTrust(tmp_path / "public.pem").require(folder, number=7)
