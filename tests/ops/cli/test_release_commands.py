"""`triptych release …` on stores in folders: what it prints, on which stream, and its exit codes."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import releases
from commands import triptych
from triptych_ops.cli.release.diff import _words
from triptych_ops.release import Store

from .conftest import Command, Done

Release = Callable[..., Done]


@pytest.fixture
def release(command: Command) -> Release:
    """`triptych release ARGUMENTS…`."""
    return partial(command, "release")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store with the sound releases 1 and 2, of which 1 is stable; TRIPTYCH_STORE names it."""
    made = Store(tmp_path / "store", user="ann@host")
    releases.publish_sound(made, 1)
    releases.publish_sound(made, 2, labels=("cat", "dog", *releases.LABELS[2:]), top1_agreement=0.98)
    made.tag("stable", 1)
    monkeypatch.setenv("TRIPTYCH_STORE", made.location)
    return made


def refused(done: Done, status: int, words: str) -> None:
    """One line on stderr, nothing on stdout."""
    (line,) = done.stderr.splitlines()
    assert (done.status, done.stdout) == (status, "")
    assert line.startswith("triptych: ")
    assert words in line


def public_key(folder: Path) -> Path:
    """A new key that signed nothing."""
    key = generate_private_key(SECP256R1()).public_key()
    file = folder / "public.pem"
    file.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return file


def test_a_corrupt_alias_is_said_and_hides_nothing_else(release: Release, store: Store) -> None:
    store.tag("bad", 2)
    (Path(store.location) / "aliases/bad/000001.json").write_text("{}", encoding="utf-8")
    for arguments, shown in ((("list",), "stable"), (("tag",), "stable"), (("list", "--json"), '"release": 2')):
        done = release(*arguments)
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"triptych: {store.location}/aliases/bad/000001.json is corrupt")
        assert (done.status, shown in done.stdout) == (4, True)
    assert release("show", 2, "--json").document["aliases"] == []
    assert release("tag", "candidate", 2).status == 0
    refused(release("prune", "--keep", 1), 4, "aliases/bad/000001.json is corrupt")
    assert store.numbers() == [1, 2]


def test_the_listing_has_the_aliases(release: Release, store: Store) -> None:
    store.tag("fallback", 1)
    rows = [line.split() for line in release("list").stdout.splitlines()[2:]]
    assert [(row[0], row[-2:]) for row in rows] == [("1", ["fallback,", "stable"]), ("2", ["0.1", "MB"])]
    listed = release("list", "--json").document["releases"]
    assert [(row["release"], row["aliases"]) for row in listed] == [(1, ["fallback", "stable"]), (2, [])]
    assert listed[0]["manifest_sha256"] == store.release(1).manifest_sha256


def test_a_sound_release_is_verified(release: Release, store: Store) -> None:
    done = release("verify")
    assert (done.status, done.stderr) == (0, "")
    assert done.stdout.startswith("release 2 is sound: ")
    document = release("verify", "stable", "--json").document
    assert (document["release"], document["signature"]) == (1, "not asked for")
    assert document["manifest_sha256"] == store.release(1).manifest_sha256


@pytest.mark.parametrize(
    ("file", "words"),
    [("repository/classifier/1/model.onnx", "model.onnx was altered"), ("repository/x", "x is not in the manifest")],
)
def test_an_altered_release_is_not_verified_nor_pulled_nor_published(
    release: Release, store: Store, tmp_path: Path, file: str, words: str
) -> None:
    (Path(store.location) / "releases/1" / file).write_bytes(b"?")
    refused(release("verify", "stable"), 4, words)
    refused(release("pull", "stable", tmp_path / "target"), 4, words)
    refused(release("publish", "stable", "--to", tmp_path / "other"), 4, words)
    assert not (tmp_path / "target").exists()
    assert not [path for path in (tmp_path / "other").rglob("*") if path.is_file()]


def test_a_broken_repository_is_neither_verified_nor_pulled(release: Release, store: Store, tmp_path: Path) -> None:
    releases.publish_words(store, 3)  # every digest is right, and Triton could not serve it
    for arguments in (("verify", 3), ("pull", 3, tmp_path / "target")):
        refused(release(*arguments), 4, f"triptych: {store.location}/releases/3/repository/")  # no copy that is gone
    assert not (tmp_path / "target").exists()


def test_what_is_no_signature_is_named_where_it_lies(release: Release, store: Store, tmp_path: Path) -> None:
    public, target = public_key(tmp_path), tmp_path / "target"
    release("pull", 1, target)
    store.attach_signature(store.release(1), b"{}")
    for arguments in (("verify", 1), ("pull", 1, tmp_path / "new"), ("pull", 1, target)):
        words = f"triptych: {store.location}/releases/1/release.sig is no signature of a release"
        refused(release(*arguments, "--key", public), 4, words)
    assert not (target / "release.sig").exists()
    assert release("pull", 1, target).stdout == f"release 1 is in {target}\n"  # nobody asked whose it is
    refused(release("pull", 1, target, "--key", public), 4, f"triptych: {target}/release.sig is no signature")


def test_an_unsigned_release_is_refused_where_a_signature_is_asked_for(
    release: Release, store: Store, tmp_path: Path
) -> None:
    assert store.release(1).signature() is None
    public = public_key(tmp_path)
    for arguments in (("verify", 1), ("pull", 1, tmp_path / "target")):
        refused(release(*arguments, "--key", public), 4, "release 1 is not signed")
    assert not (tmp_path / "target").exists()


def test_a_release_of_another_digest_is_not_pulled(release: Release, store: Store, tmp_path: Path) -> None:
    target, wanted = tmp_path / "target", store.release(1).manifest_sha256
    other = store.release(2).manifest_sha256
    words = f"the manifest of release 1 has the digest {wanted}, not {other}; it is another release of that number"
    refused(release("pull", 1, target, "--manifest-sha256", other), 4, words)
    assert not target.exists()
    assert release("pull", 1, target, "--manifest-sha256", wanted).status == 0
    assert (target / "release.json").is_file()


def test_what_differs_is_shown(release: Release, store: Store) -> None:
    assert store.numbers() == [1, 2]
    done = release("diff", "stable", "newest")
    assert done.status == 0
    for words in (
        "quality.top1_agreement   1           0.98",
        "label renamed: 1: dog, hound -> dog",
        "file altered: repository/postprocess/N/labels.txt",
    ):
        assert words in done.stdout
    document = release("diff", 1, 2, "--json").document
    assert (document["before"], document["after"]) == (1, 2)
    assert document["labels"]["renamed"] == [{"class_id": 1, "before": "dog, hound", "after": "dog"}]
    assert {"what": "quality.top1_agreement", "before": 1.0, "after": 0.98} in document["changes"]
    same = release("diff", 1, "stable")
    assert same.stdout == "releases 1 and 1 differ in their number alone\n"


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (0.0008821487426757812, 0.0014159083366394043, ("0.0008821", "0.001416")),
        (0.98123456789, 0.98123556789, ("0.98123", "0.98124")),  # as many digits as tell them apart
        (0.1 + 0.2, 0.3, ("0.30000000000000004", "0.29999999999999999")),
        ([0.48500001, 1.0], [0.5, 1.0], ("0.485, 1", "0.5, 1")),
        (None, 0.123456789, ("-", "0.1235")),
        (True, False, ("True", "False")),
        (46_830_571, 46_830_572, ("46830571", "46830572")),
    ],
)
def test_numbers_that_differ_are_written_with_no_more_digits_than_that_takes(
    before: object, after: object, words: tuple[str, str]
) -> None:
    assert _words(before, after) == words


def test_an_alias_is_given_shown_and_removed(release: Release, store: Store) -> None:
    assert release("tag", "candidate", "newest").stdout == "candidate is release 2\n"
    assert release("tag", "stable", "candidate", "--json").document == {
        "schema_version": 1,
        "alias": "stable",
        "release": 2,
        "signed": False,
    }
    assert release("tag", "--json").document["aliases"] == {"candidate": 2, "stable": 2}
    assert [line.split() for line in release("tag").stdout.splitlines()[2:]] == [["candidate", "2"], ["stable", "2"]]
    history = release("tag", "stable", "--history", "--json").document["history"]
    assert [entry["number"] for entry in history] == [1, 2]
    assert release("tag", "candidate", "--remove").stdout == "candidate is removed\n"
    assert store.aliases() == {"stable": 2}
    refused(release("tag", "candidate", "--remove"), 3, "has no alias 'candidate'; its aliases: stable")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["tag", "7", "1"], 2, "'7' is no alias"),
        (["tag", "newest", "1"], 2, "'newest' always means the highest number"),
        (["tag", "stable"], 2, "give one of REF, --remove and --history"),
        (["tag", "stable", "1", "--remove"], 2, "give one of REF, --remove and --history"),
        (["tag", "--remove"], 2, "--remove and --history need an ALIAS"),
        (["tag", "stable", "9"], 3, "has no release 9; it holds 1, 2"),
        (["verify", "candidate"], 3, "has no alias 'candidate'; its aliases: stable"),
        (["diff", "1", "A"], 2, "'A' is no alias"),
        (["prune"], 2, "give --keep, or --unfinished, or both"),
        (["prune", "--keep", "0"], 2, "0 is not in the range"),
        (["publish", "1"], 2, "Missing option '--to'"),
        (["publish", "1", "--to", "ftp://x"], 2, "has a scheme that no store has"),
        (["pull", "stable", "x", "--minimum", "2"], 4, "stable means release 1, older than the least"),
        (["verify", "--store", "nowhere"], 3, "there is no store at nowhere"),
        (["verify", "--store", "http://bucket"], 2, "a store is a folder or s3://BUCKET/PREFIX"),
    ],
)
def test_one_line_and_the_documented_exit_code(
    release: Release, store: Store, arguments: list[str], status: int, words: str
) -> None:
    assert store.numbers() == [1, 2]
    refused(release(*arguments), status, words)
    assert list(Path.cwd().iterdir()) == []


def test_a_release_is_published_elsewhere_once(release: Release, store: Store, tmp_path: Path) -> None:
    other = tmp_path / "other"
    done = release("publish", "stable", "--to", other)
    assert done.stdout == f"release 1 is published at {other}/releases/1\n"
    assert release("publish", 1, "--to", other).stdout == f"release 1 was already published at {other}/releases/1\n"
    assert release("publish", 1, "--to", other, "--json").document["written"] is False
    assert Store(other).release(1).document == store.release(1).document
    releases.publish_sound(Store(tmp_path / "third", user="bob@host"), 1, health_class_id=1)
    refused(release("publish", 1, "--to", tmp_path / "third"), 1, "release 1 was published by bob@host at")


def test_a_release_is_pulled_once(release: Release, store: Store, tmp_path: Path) -> None:
    target = tmp_path / "target"
    assert release("pull", "stable", target, "--minimum", 1).stdout == f"release 1 is in {target}\n"
    assert release("pull", "stable", target).stdout == f"release 1 is already in {target}\n"
    document = release("pull", 1, target, "--json", "--minimum", 2).document  # a number is meant, not come by
    assert (document["release"], document["written"]) == (1, False)
    assert document["manifest_sha256"] == store.release(1).manifest_sha256
    refused(release("pull", "newest", target), 4, "holds release 1, not this release 2")


def test_pruning_says_what_goes(release: Release, store: Store) -> None:
    releases.publish_words(store, 3)
    assert release("prune", "--keep", 1, "--dry-run").stdout == "would remove release 2\n"
    assert store.numbers() == [1, 2, 3]
    assert release("prune", "--keep", 1, "--unfinished").stdout == "removed release 2\n"
    assert release("prune", "--keep", 1).stdout == "there is nothing to remove\n"
    assert release("prune", "--keep", 1, "--json").document == {
        "schema_version": 1,
        "removed": [],
        "unfinished": [],
        "dry_run": False,
    }
    assert store.numbers() == [1, 3]


@pytest.mark.server
def test_as_a_process_of_its_own_it_pulls_from_a_bucket(
    store: Store, new_prefix: Callable[[], str], tmp_path: Path
) -> None:
    bucket = Store(new_prefix())
    bucket.add(store.release("stable"))
    bucket.tag("stable", 1)
    pulled = triptych("release", "pull", "stable", tmp_path / "target", "--store", bucket.location, "--json")
    assert (pulled.returncode, pulled.stderr) == (0, "")
    assert json.loads(pulled.stdout)["written"] is True
    assert (tmp_path / "target/repository/classifier/1/model.onnx").is_file()
    assert list(tmp_path.glob("**/.*")) == []
