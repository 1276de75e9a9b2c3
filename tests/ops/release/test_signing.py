"""Signing and trust, through the real Model Signing; keys are made on the spot."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import oid
from model_signing import hashing, signing, verifying

from triptych_ops.errors import MissingError, OpsError, RefusedError, UsageError
from triptych_ops.release import Manifest, Release, Store, pull
from triptych_ops.release.signing import (
    NEW_KEY_PAIR,
    SIGNATURE,
    CertificateSigner,
    CertificateTrust,
    KeySigner,
    KeyTrust,
    SigstoreTrust,
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
            store.attach(release, SIGNATURE, sign(release.folder, KeySigner(pair.private)))
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


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: curve.name)
def test_every_curve_signs(release: MakeRelease, tmp_path: Path, curve: ec.EllipticCurve) -> None:
    pair = Pair(tmp_path / "keys", curve)
    folder = release(7)
    put(folder, sign(folder, KeySigner(pair.private)))
    KeyTrust(pair.public).require(folder, number=7)


def test_a_signed_release_can_be_moved(signed: Path, trust: Trust, tmp_path: Path) -> None:
    pulled = tmp_path / "models"
    signed.rename(pulled)
    trust.require(pulled, number=7)
    (tmp_path / "current").symlink_to(pulled)
    trust.require(tmp_path / "current", number=7)


def test_the_stock_tool_accepts_what_was_signed_here_and_refuses_it_altered(signed: Path, pair: Pair) -> None:
    command = ("verify", "key", signed, "--signature", signed / SIGNATURE, "--public_key", pair.public)
    accepted = stock_tool(*command)
    assert (accepted.returncode, accepted.stdout) == (0, "Verification succeeded\n"), accepted.stderr
    (signed / GRAPH).write_text("altered", encoding="utf-8")
    assert stock_tool(*command).returncode == 1


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


def bundle_with(bundle: bytes, path: tuple[str, ...], value: object) -> bytes:
    """The signature with one part of it replaced; None removes it."""
    document = json.loads(bundle)
    part = document
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    if value is None:
        del part[path[-1]]
    return json.dumps(document).encode()


def payload_with(bundle: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    payload = json.loads(base64.b64decode(json.loads(bundle)["dsseEnvelope"]["payload"]))
    change(payload)
    encoded = base64.b64encode(json.dumps(payload).encode()).decode()
    return bundle_with(bundle, ("dsseEnvelope", "payload"), encoded)


ENVELOPE = ("dsseEnvelope",)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda _: b"\xff\xfe", id="no text"),
        pytest.param(lambda _: b"[]", id="a list"),
        pytest.param(lambda _: b"{}", id="an empty object"),
        pytest.param(lambda _: b"[" * 100_000, id="nested deeply"),
        pytest.param(lambda bundle: bundle[: len(bundle) // 2], id="cut off"),
        pytest.param(lambda bundle: bundle_with(bundle, ENVELOPE, None), id="no envelope"),
        pytest.param(lambda bundle: bundle_with(bundle, ENVELOPE, "x"), id="an envelope of text"),
        pytest.param(lambda bundle: bundle_with(bundle, (*ENVELOPE, "payload"), "%%%"), id="payload not base64"),
        pytest.param(
            lambda bundle: bundle.replace(b'"payload":"', b'"payload":"!').replace(b'"payload": "', b'"payload": "!'),
            id="payload with a sign between",
        ),
        pytest.param(lambda bundle: bundle_with(bundle, (*ENVELOPE, "payload"), "e30="), id="an empty payload"),
        pytest.param(lambda bundle: bundle_with(bundle, ("dsse_envelope",), {}), id="a second envelope"),
        pytest.param(lambda bundle: bundle_with(bundle, (*ENVELOPE, "payload_type"), "x"), id="a second type"),
        pytest.param(
            lambda bundle: payload_with(bundle, lambda at: at["predicate"]["serialization"].update(method="shards")),
            id="of shards",
        ),
        pytest.param(
            lambda bundle: payload_with(bundle, lambda at: at.update(predicateType="x")), id="of something else"
        ),
    ],
)
def test_a_file_that_is_no_signature_is_refused(signed: Path, trust: Trust, damage: Callable[[bytes], bytes]) -> None:
    trust.require(signed, number=7)
    put(signed, damage((signed / SIGNATURE).read_bytes()))
    with pytest.raises(RefusedError, match="is no signature of a release") as caught:
        trust.require(signed, number=7)
    assert str(caught.value).startswith(str(signed / SIGNATURE))


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda bundle: bundle_with(bundle, (*ENVELOPE, "signatures"), []), id="no signature"),
        pytest.param(lambda bundle: bundle_with(bundle, (*ENVELOPE, "signatures"), [{"sig": "AA=="}]), id="a bad one"),
        pytest.param(lambda bundle: bundle_with(bundle, ("mediaType",), "x"), id="another format"),
        pytest.param(lambda bundle: bundle_with(bundle, ("verificationMaterial",), {}), id="no key"),
        pytest.param(lambda bundle: payload_with(bundle, lambda at: at.update(_type="x")), id="another statement"),
        pytest.param(lambda bundle: payload_with(bundle, lambda at: at["subject"][0].update(name="8")), id="a name"),
    ],
)
def test_a_signature_that_was_changed_is_refused(signed: Path, trust: Trust, damage: Callable[[bytes], bytes]) -> None:
    put(signed, damage((signed / SIGNATURE).read_bytes()))
    with pytest.raises(RefusedError, match="release 7 is not signed by the key") as caught:
        trust.require(signed, number=7)
    assert "object has no attribute" not in str(caught.value)


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(lambda path: path.symlink_to(path.parent / MANIFEST), id="link"),
        pytest.param(lambda path: path.symlink_to("nowhere"), id="link to nothing"),
        pytest.param(os.mkfifo, id="fifo"),
        pytest.param(lambda path: path.mkdir(), id="folder"),
        pytest.param(lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_RDWR), 1 << 40), id="a terabyte"),
    ],
)
def test_only_a_plain_small_file_is_read_as_a_signature(
    signed: Path, trust: Trust, place: Callable[[Path], object]
) -> None:
    (signed / SIGNATURE).unlink()
    place(signed / SIGNATURE)
    with pytest.raises(RefusedError, match="is a link, a special file or too large"):
        trust.require(signed, number=7)


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


def test_an_old_signature_without_a_hint_of_its_key_says_nothing_on_stdout(
    signed: Path, trust: Trust, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = (signed / SIGNATURE).read_bytes()
    put(signed, bundle_with(bundle, ("verificationMaterial", "publicKey"), {}))
    trust.require(signed, number=7)
    assert capsys.readouterr() == ("", "")


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


class Authority:
    """Issues certificates; signed by itself, or by `parent`."""

    def __init__(self, folder: Path, name: str, parent: "Authority | None" = None) -> None:
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        issuer = parent or self
        self.certificate = issuer.issued(name, self.key.public_key(), ca=True)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self.certificate)

    def issued(
        self,
        name: str,
        key: ec.EllipticCurvePublicKey,
        *,
        ca: bool = False,
        signs: bool = True,
        valid: timedelta = timedelta(days=365),
    ) -> bytes:
        def called(words: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, words)])

        start = datetime(2026, 1, 1, tzinfo=UTC)
        usage = dict.fromkeys(
            ("content_commitment", "data_encipherment", "key_agreement", "crl_sign", "encipher_only", "decipher_only"),
            False,
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(called(name))
            .issuer_name(called(self.name))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + valid)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(
                x509.KeyUsage(digital_signature=signs, key_cert_sign=ca, key_encipherment=not signs, **usage),
                critical=True,
            )
            .add_extension(x509.ExtendedKeyUsage([oid.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        )
        if ca:
            builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def root(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "root")


def certified(folder: Path, pair: Pair, certificate: bytes, chain: Path | None = None) -> None:
    """Sign the release as the owner of a certificate."""
    file = pair.private.with_name("certificate.pem")
    file.write_bytes(certificate)
    put(folder, sign(folder, CertificateSigner(pair.private, file, chain)))


def test_a_certificate_is_accepted_from_its_authority_and_from_no_other(
    release: MakeRelease, pair: Pair, root: Authority, tmp_path: Path
) -> None:
    folder = release(7)
    certified(folder, pair, root.issued("signer", pair.key.public_key()))
    CertificateTrust(root.file).require(folder, number=7)
    other = Authority(tmp_path, "other")
    with pytest.raises(RefusedError, match=r"is not signed by a certificate of .*other\.pem \(unable to get"):
        CertificateTrust(other.file).require(folder, number=7)
    # The same name with another key.
    (tmp_path / "false").mkdir()
    false = Authority(tmp_path / "false", "root")
    with pytest.raises(RefusedError, match="is not signed by a certificate of"):
        CertificateTrust(false.file).require(folder, number=7)
    (folder / GRAPH).write_text("altered", encoding="utf-8")
    with pytest.raises(RefusedError, match="was altered after it was signed"):
        CertificateTrust(root.file).require(folder, number=7)


def test_a_certificate_brings_those_between_it_and_the_root(
    release: MakeRelease, pair: Pair, root: Authority, tmp_path: Path
) -> None:
    between = Authority(tmp_path, "between", parent=root)
    certificate = between.issued("signer", pair.key.public_key())
    folder = release(7)
    certified(folder, pair, certificate, chain=between.file)
    CertificateTrust(root.file).require(folder, number=7)
    certified(folder, pair, certificate)
    with pytest.raises(RefusedError, match="unable to get"):
        CertificateTrust(root.file).require(folder, number=7)


def test_a_certificate_for_something_else_is_refused(release: MakeRelease, pair: Pair, root: Authority) -> None:
    folder = release(7)
    certified(folder, pair, root.issued("server", pair.key.public_key(), signs=False))
    with pytest.raises(RefusedError, match="Signing certificate cannot be used for signing"):
        CertificateTrust(root.file).require(folder, number=7)


def test_an_expired_certificate_still_verifies_what_it_signed(
    release: MakeRelease, pair: Pair, root: Authority
) -> None:
    folder = release(7)
    certified(folder, pair, root.issued("signer", pair.key.public_key(), valid=timedelta(seconds=1)))
    CertificateTrust(root.file).require(folder, number=7)


def test_a_key_does_not_stand_for_a_certificate_nor_the_other_way_round(
    release: MakeRelease, pair: Pair, trust: Trust, root: Authority
) -> None:
    folder = release(7)
    put(folder, sign(folder, KeySigner(pair.private)))
    with pytest.raises(RefusedError, match=r"is not signed by a certificate of .*root\.pem; ask who signed it$"):
        CertificateTrust(root.file).require(folder, number=7)
    certified(folder, pair, root.issued("signer", pair.key.public_key()))
    with pytest.raises(RefusedError, match=r"is not signed by the key .*public\.pem; ask who signed it$"):
        trust.require(folder, number=7)


def test_what_cannot_sign_as_a_certificates_owner(pair: Pair, root: Authority, tmp_path: Path) -> None:
    certificate = tmp_path / "certificate.pem"
    certificate.write_bytes(root.issued("signer", ec.generate_private_key(ec.SECP256R1()).public_key()))
    with pytest.raises(UsageError, match=r"certificate\.pem is not the certificate of .*private\.pem"):
        CertificateSigner(pair.private, certificate)
    certificate.write_bytes(root.issued("signer", pair.key.public_key()))
    assert CertificateSigner(pair.private, certificate)
    with pytest.raises(UsageError, match=r"public\.pem holds no certificates in PEM"):
        CertificateSigner(pair.private, certificate, pair.public)
    pair.private.write_bytes(pem_of(pair.key, b"secret"))
    with pytest.raises(UsageError, match="is encrypted, so it signs only without --certificate"):
        CertificateSigner(pair.private, certificate)


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


def test_what_signs_is_imported_only_where_something_is_signed() -> None:
    question = "import sys, triptych_ops.release.signing; print({'model_signing', 'cryptography'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", question], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
