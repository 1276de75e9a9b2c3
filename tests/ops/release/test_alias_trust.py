"""Signed aliases: who may follow whom, what a verifier remembers, and that unsigned stores are as they were."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from triptych_ops.errors import MissingError, RefusedError
from triptych_ops.release import Head, Release, Store
from triptych_ops.release.alias_trust import AliasMemory, AliasTrust
from triptych_ops.release.signing import KeySigner, KeyTrust, Signer, Trust, sign_document
from triptych_ops.release.storage import open_storage

Publish = Callable[..., Release]


class Keys:
    """A signer, and the trust in it."""

    def __init__(self, folder: Path, name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        pem, public = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        (folder / f"{name}.pem").write_bytes(key.private_bytes(pem, *private))
        (folder / f"{name}.pub").write_bytes(key.public_key().public_bytes(pem, public))
        self.signer: Signer = KeySigner(folder / f"{name}.pem")
        self.trust: Trust = KeyTrust(folder / f"{name}.pub")

    def sign(self, name: str, content: bytes) -> bytes:
        return sign_document(name, content, self.signer)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path, "key")


@pytest.fixture
def filled(store: Store, publish: Publish) -> Store:
    """A store with the releases 1 to 3."""
    for number in (1, 2, 3):
        publish(store, number)
    return store


def accepting(keys: Keys, memory: AliasMemory | None = None) -> Callable[[Head], None]:
    def accept(head: Head) -> None:
        AliasTrust(keys.trust).require(head)
        if memory:
            memory.accept(head, signer=keys.trust.fingerprint)

    return accept


def test_a_signed_alias_is_accepted_and_follows_an_unsigned_history(filled: Store, keys: Keys) -> None:
    filled.tag("stable", 1)
    before = open_storage(filled.location).read("aliases/stable/000001.json")
    assert "sequence" not in json.loads(before or b"")  # as ever
    with pytest.raises(RefusedError, match=r"stable of .* is not signed: aliases/stable/000001\.json has no signature"):
        filled.release("stable", accept=accepting(keys))
    assert filled.tag("stable", 2, sign=keys.sign) == 2
    assert filled.tag("stable", 3, sign=keys.sign) == 3
    assert filled.release("stable", accept=accepting(keys)).number == 3
    assert filled.release("stable").number == 3  # for users without keys
    assert [entry.number for entry in filled.history("stable")] == [1, 2, 3]
    assert filled.signed_entries("stable") == {2, 3}
    (state,) = filled.alias_states().values()
    assert (state.number, state.sequence, state.signed) == (3, 3, True)
    assert filled.release(2, accept=accepting(keys)).number == 2  # a number is no alias


def test_the_first_entry_can_be_signed_and_a_removed_alias_goes_on(filled: Store, keys: Keys) -> None:
    filled.tag("stable", 1, sign=keys.sign)
    assert filled.release("stable", accept=accepting(keys)).number == 1
    filled.untag("stable", sign=keys.sign)
    with pytest.raises(MissingError, match="has no alias 'stable'"):
        filled.release("stable", accept=accepting(keys))
    filled.tag("stable", 2, sign=keys.sign)
    assert filled.release("stable", accept=accepting(keys)).number == 2
    assert filled.alias_states()["stable"].sequence == 3


def test_an_unsigned_change_of_a_signed_alias_is_refused_unless_asked_for(filled: Store, keys: Keys) -> None:
    filled.tag("stable", 1, sign=keys.sign)
    for change in (partial(filled.tag, "stable", 2), partial(filled.untag, "stable")):
        with pytest.raises(RefusedError, match=r"stable of .* is signed, and verifiers would refuse it after"):
            change()
    assert filled.tag("stable", 1) == 1  # no change
    assert filled.release("stable", accept=accepting(keys)).number == 1
    filled.tag("stable", 2, unsigned=True)
    with pytest.raises(RefusedError, match="is not signed"):
        filled.release("stable", accept=accepting(keys))
    filled.tag("stable", 2, sign=keys.sign)  # the same again signs it
    assert filled.release("stable", accept=accepting(keys)).number == 2
    assert filled.signed_entries("stable") == {1, 2}


def test_a_new_key_signs_the_newest_entry_again_and_begins_a_memory_of_its_own(
    filled: Store, keys: Keys, tmp_path: Path
) -> None:
    new, memory = Keys(tmp_path, "new"), AliasMemory(tmp_path / "state.json")
    for number in (1, 2):
        filled.tag("stable", number, sign=keys.sign)
    assert filled.release("stable", accept=accepting(keys, memory)).number == 2
    with pytest.raises(RefusedError, match=r"000002\.json is not signed by the key .*new\.pub"):
        filled.release("stable", accept=accepting(new, memory))
    filled.tag("stable", 2, sign=new.sign)
    assert filled.release("stable", accept=accepting(new, memory)).number == 2
    with pytest.raises(RefusedError, match=r"is not signed by the key .*key\.pub"):
        filled.release("stable", accept=accepting(keys, memory))
    filled.tag("stable", 3, sign=new.sign)
    assert filled.release("stable", accept=accepting(new, memory)).number == 3
    accepted = json.loads(memory.file.read_bytes())["accepted"]
    assert sorted(each["sequence"] for each in accepted) == [2, 3]
    assert len({each["signer"] for each in accepted}) == 2


def test_a_release_s_signature_is_none_of_an_entry(filled: Store, keys: Keys) -> None:
    filled.tag("stable", 1, sign=keys.sign)
    storage = open_storage(filled.location)
    (name,) = [name for name in storage.files() if name.endswith(".sig")]
    right = storage.read(name) or b""
    for wrong in (
        keys.sign("release.json", storage.read("aliases/stable/000001.json") or b""),
        keys.sign("aliases/stable/000001.json", b"{}"),
        keys.sign("aliases/other/000001.json", storage.read("aliases/stable/000001.json") or b""),
    ):
        storage.replace(name, wrong)
        with pytest.raises(RefusedError, match=r"the signature of .*000001\.json signs something else"):
            filled.release("stable", accept=accepting(keys))
    storage.replace(name, b"{}")
    with pytest.raises(RefusedError, match=r"the signature of .*000001\.json is no signature"):
        filled.release("stable", accept=accepting(keys))
    storage.replace(name, right)  # the control
    assert filled.release("stable", accept=accepting(keys)).number == 1


def test_taggers_at_the_same_time_make_one_chain(filled: Store, keys: Keys) -> None:
    taggers, rounds = 4, 3

    def tag(tagger: int) -> None:
        store = Store(filled.location, user=f"tagger-{tagger}@host")
        for turn in range(rounds):
            store.tag("stable", 1 + (tagger + turn) % 3, sign=keys.sign)

    with ThreadPoolExecutor(taggers) as threads:
        list(threads.map(tag, range(taggers)))
    entries = filled.entries("stable")
    assert [entry.record.sequence for entry in entries] == list(range(1, len(entries) + 1))
    assert filled.signed_entries("stable") == set(range(1, len(entries) + 1))
    filled.release("stable", accept=accepting(keys))
    signatures = [name for name in open_storage(filled.location).files() if name.endswith(".sig")]
    assert len(signatures) == len(entries)  # who lost a number left no signature


def test_what_was_accepted_meanwhile_is_no_rollback(folder_store: Store, publish: Publish, keys: Keys) -> None:
    """Another process tags, and accepts, between this one's look at the store and its look at the memory."""
    for number in (1, 2):
        publish(folder_store, number)
    folder_store.tag("stable", 1, sign=keys.sign)
    memory = AliasMemory(Path(folder_store.location) / "state.json")
    accept, looks = accepting(keys, memory), list[int]()

    def late(head: Head) -> None:
        if not looks:
            folder_store.tag("stable", 2, sign=keys.sign)
            folder_store.release("stable", accept=accept)
        looks.append(head.newest.sequence)
        accept(head)

    assert folder_store.release("stable", accept=late).number == 2
    assert looks == [1, 2]


def test_nothing_unsigned_cuts_a_signed_history_in_two(folder_store: Store, publish: Publish, keys: Keys) -> None:
    """An entry that states no predecessor, put after signed ones, would let a signer forget what came before."""
    for number in (1, 2):
        publish(folder_store, number)
    folder_store.tag("stable", 1, sign=keys.sign)
    folder_store.tag("stable", 2, sign=keys.sign)
    folder = Path(folder_store.location) / "aliases" / "stable"
    entry = json.loads((folder / "000001.json").read_bytes())
    del entry["sequence"]
    (folder / "000003.json").write_text(json.dumps(entry))
    with pytest.raises(RefusedError, match=r"000003\.json follows no entry, although signed ones are before it"):
        folder_store.tag("stable", 2, sign=keys.sign)
    (folder / "000003.json").unlink()  # the control
    folder_store.tag("stable", 1, sign=keys.sign)
    assert folder_store.release("stable", accept=accepting(keys)).number == 1


def test_a_corrupt_memory_is_refused_and_stays(
    folder_store: Store, publish: Publish, keys: Keys, tmp_path: Path
) -> None:
    publish(folder_store, 1)
    folder_store.tag("stable", 1, sign=keys.sign)
    memory = AliasMemory(tmp_path / "new" / "state.json")
    folder_store.release("stable", accept=accepting(keys, memory))
    assert memory.file.stat().st_mode & 0o077 == 0
    memory.file.write_text('{"accepted": [{}]}')
    with pytest.raises(RefusedError, match=r"state\.json is corrupt: accepted\.0\.store: Field required; restore it"):
        folder_store.release("stable", accept=accepting(keys, memory))
    assert memory.file.read_text() == '{"accepted": [{}]}'


def test_a_file_under_another_spelling_of_its_number_is_no_entry(folder_store: Store, publish: Publish) -> None:
    for number in (1, 2):
        publish(folder_store, number)
        folder_store.tag("stable", number)
    folder = Path(folder_store.location) / "aliases" / "stable"
    (folder / "0000003.json").write_bytes((folder / "000001.json").read_bytes())
    assert folder_store.release("stable").number == 2
    (folder / "000003.json").write_bytes(
        (folder / "000001.json").read_bytes()
    )  # the control: what is unsigned is taken
    assert folder_store.release("stable").number == 1
