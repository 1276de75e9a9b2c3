"""Aliases in a store whose owner is hostile: what a verifier refuses, and what only its memory or a minimum stops."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import releases
from triptych import TriptychError
from triptych_ops.cli import failures
from triptych_ops.cli.release.pull import pull_release
from triptych_ops.cli.release.sign import sign_release
from triptych_ops.cli.release.tag import tag_release
from triptych_ops.release import Store
from triptych_ops.release.storage import Storage, open_storage

pytestmark = pytest.mark.server


def _run(command: click.Command, *arguments: object) -> str:
    """What a command says of its error, after its exit code; empty where it has none."""
    try:
        command.main([*map(str, arguments)], prog_name="triptych", standalone_mode=False)
    except (click.ClickException, TriptychError, OSError) as error:
        return f"{failures.exit_code(error)}: {failures.line(error)}"
    return ""


class World:
    """A store with the signed aliases stable (releases 1, 2, 3) and candidate (2, 3), and a verifier's folder."""

    def __init__(self, location: str, folder: Path) -> None:
        self.location, self._folder = location, folder
        self.storage: Storage = open_storage(location)
        for name in ("key", "other"):
            key = ec.generate_private_key(ec.SECP256R1())
            pem = serialization.Encoding.PEM
            public = serialization.PublicFormat.SubjectPublicKeyInfo
            private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            (folder / f"{name}.pem").write_bytes(key.private_bytes(pem, *private))
            (folder / f"{name}.pub").write_bytes(key.public_key().public_bytes(pem, public))
        for number in (1, 2, 3, 4):
            releases.publish_sound(Store(location), number)
            assert _run(sign_release, number, "--store", location, "--key", folder / "key.pem") == ""
        for alias, number in (("stable", 1), ("stable", 2), ("candidate", 2), ("stable", 3), ("candidate", 3)):
            assert self.tag(alias, number) == ""

    def tag(self, alias: str, number: int, *, tagger: str = "tagger", key: str = "key") -> str:
        """Tag as a tagger with a memory of its own."""
        state = self._folder / f"{tagger}.json"
        return _run(
            tag_release, alias, number, "--store", self.location, "--key", self._folder / f"{key}.pem", "--state", state
        )

    def pull(self, alias: str, *options: object, verifier: str = "verifier") -> str:
        """Pull as a verifier with a memory of its own."""
        folder = self._folder / f"pulled-{os.urandom(4).hex()}"
        trust = ("--key", self._folder / "key.pub", "--state", self._folder / f"{verifier}.json")
        return _run(pull_release, alias, folder, "--store", self.location, *trust, *options)

    def files(self) -> dict[str, bytes]:
        """Everything below aliases/, by name."""
        names = [name for name in self.storage.files() if name.startswith("aliases/")]
        return {name: self.storage.read(name) or b"" for name in names}

    def restore(self, files: dict[str, bytes]) -> None:
        """Make the aliases be those files again, and no others."""
        for name in self.files().keys() - files.keys():
            self.storage.remove(name)
        for name, content in files.items():
            self.storage.replace(name, content)

    def of(self, alias: str, number: int) -> dict[str, bytes]:
        """The files of one entry: itself, and its signature."""
        return {name: content for name, content in self.files().items() if f"{alias}/{number:06d}" in name}


def _renamed(files: dict[str, bytes], before: str, after: str) -> dict[str, bytes]:
    return {name.replace(before, after): content for name, content in files.items()}


def _replay(world: World) -> None:
    world.restore(world.files() | _renamed(world.of("stable", 2), "/000002", "/000004"))


def _swap(world: World) -> None:
    stable, candidate = world.of("stable", 2), world.of("candidate", 2)
    kept = {name: content for name, content in world.files().items() if name not in {*stable, *candidate}}
    moved = _renamed(stable, "stable/", "candidate/") | _renamed(candidate, "candidate/", "stable/")
    world.restore({**kept, **moved} if len(moved) == len(stable) + len(candidate) else {})


def _alter(world: World) -> None:
    name = "aliases/stable/000003.json"
    world.storage.replace(name, (world.storage.read(name) or b"").replace(b'"number": 3', b'"number": 1'))


def _forge(world: World) -> None:
    """Another key's signature over the right entry."""
    assert world.tag("stable", 3, tagger="forger", key="other") == ""


def _fork(world: World, *numbers: int) -> None:
    """Two taggers with the right key, of whom the second was shown an old store; its history replaces the first's."""
    tagger = f"tagger-{os.urandom(4).hex()}"
    for name in world.of("stable", 3):
        world.storage.remove(name)
    assert re.match("4: .*was set back", world.tag("stable", 1))  # the first one would notice
    for number in numbers or (1,):
        assert world.tag("stable", number, tagger=tagger) == ""


def _long_fork(world: World) -> None:
    _fork(world, 1, 4)


def _remove(*numbers: int) -> Callable[[World], None]:
    def attack(world: World) -> None:
        for number in numbers:
            for name in world.of("stable", number):
                world.storage.remove(name)

    return attack


def _unsigned(world: World) -> None:
    Store(world.location).tag("stable", 1, unsigned=True)


ATTACKS: dict[str, tuple[Callable[[World], None], str]] = {
    "the newest entry removed": (_remove(3), "4: .*was set back: its newest entry is 2, and entry 3 was accepted"),
    "two entries removed": (_remove(2, 3), "4: .*was set back: its newest entry is 1, and entry 3 was accepted"),
    "an entry removed below": (_remove(2), "4: .*stable/000002.json is missing"),
    "an older entry replayed": (_replay, "4: .*000004.json is corrupt: its sequence is 2, not 4"),
    "entries of two aliases swapped": (_swap, "4: .*its alias is 'candidate', not 'stable'"),
    "an entry altered": (_alter, "4: .*is not signed: aliases/stable/000003.json has no signature"),
    "an entry without a signature": (_unsigned, "4: .*is not signed: aliases/stable/000004.json has no signature"),
    "another key's signature": (_forge, "4: .*000003.json is not signed by the key"),
    "a fork": (_fork, "4: .*has another history: its entry 3 is not the one that was accepted"),
    "a fork that grows": (_long_fork, "4: .*has another history: its entry 3 is not the one that was accepted"),
}
# What a verifier without a memory, that is told no minimum, does not notice: each is signed by the right signer.
_UNNOTICED = {"the newest entry removed", "two entries removed", "a fork", "a fork that grows"}


def test_a_hostile_store_does_not_set_a_signed_alias_back(location: Callable[[], str], tmp_path: Path) -> None:
    world = World(location(), tmp_path)
    kind = "bucket" if world.location.startswith("s3://") else "folder"
    assert world.pull("stable") == ""
    assert world.pull("candidate") == ""
    whole = world.files()
    refused, unnoticed = 0, set()
    for name, (attack, words) in ATTACKS.items():
        attack(world)
        line = world.pull("stable")
        assert re.match(words, line), (name, line)
        refused += 1
        if world.pull("stable", verifier=f"without memory of {name}") == "":
            unnoticed.add(name)
        world.restore(whole)
        assert world.pull("stable") == "", f"the control: the store as it was is accepted after {name}"
    assert unnoticed == _UNNOTICED
    print(
        f"hostile 16: {refused} of {len(ATTACKS)} attacks on a signed alias in a {kind} refused, "
        f"{len(unnoticed)} of them by the verifier's memory alone"
    )


def test_a_store_that_restores_everything_is_stopped_by_a_minimum(location: Callable[[], str], tmp_path: Path) -> None:
    """An old but complete snapshot: aliases, releases and signatures are genuine, so only a number tells its age."""
    world = World(location(), tmp_path)
    for name in (*world.of("stable", 3), "releases/3/release.json", "releases/4/release.json"):
        world.storage.remove(name)
    assert world.pull("stable", verifier="new") == ""  # the control, and the limit that ops/README.md states
    assert re.match("4: .*is at entry 2, older than the least", world.pull("stable", "--minimum-sequence", 3))
    assert re.match("4: stable means release 2, older than the least", world.pull("stable", "--minimum", 3))
    assert world.pull("stable", "--minimum-sequence", 2, "--minimum", 2, verifier="new") == ""
    print("hostile 16: a complete old snapshot was refused by --minimum-sequence and by --minimum, 2 of 2")
