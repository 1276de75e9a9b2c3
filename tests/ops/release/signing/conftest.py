"""Keys made on the spot, and the folder of a release, signed or not."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from triptych_ops.release import Manifest
from triptych_ops.release.signing import (
    SIGNATURE,
    KeySigner,
    KeyTrust,
    Trust,
    sign,
)

GRAPH = "repository/classifier/7/model.onnx"


CONFIG = "repository/classifier/config.pbtxt"


MANIFEST = "release.json"


PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


MakeRelease = Callable[[int], Path]


def pem_of(key: PrivateKey, password: bytes | None = None) -> bytes:
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def public_pem_of(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


class Pair:
    """A private and a public key on disk."""

    def __init__(self, folder: Path, curve: ec.EllipticCurve | None = None) -> None:
        folder.mkdir(parents=True)
        self.key = ec.generate_private_key(curve or ec.SECP256R1())
        self.private, self.public = folder / "private.pem", folder / "public.pem"
        self.private.write_bytes(pem_of(self.key))
        self.public.write_bytes(public_pem_of(self.key))


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path / "keys")


@pytest.fixture
def trust(pair: Pair) -> Trust:
    return KeyTrust(pair.public)


@pytest.fixture
def release(tmp_path: Path, manifest_of: Callable[[int, Path], Manifest]) -> MakeRelease:
    """Make the folder of a release, not signed."""

    def made(number: int) -> Path:
        folder = tmp_path / "releases" / str(number)
        version = folder / "repository" / "classifier" / str(number)
        version.mkdir(parents=True)
        (version / "model.onnx").write_text(f"graph {number}", encoding="utf-8")
        (version.parent / "config.pbtxt").write_text("name", encoding="utf-8")
        manifest_of(number, folder).write(folder / MANIFEST)
        return folder

    return made


@pytest.fixture
def signed(release: MakeRelease, pair: Pair) -> Path:
    """The folder of release 7, signed."""
    folder = release(7)
    put(folder, sign(folder, KeySigner(pair.private)))
    return folder


def put(folder: Path, signature: bytes) -> None:
    (folder / SIGNATURE).write_bytes(signature)
