"""Random and altered bytes: findings, never an exception, and soon."""

import random
from pathlib import Path

import pytest

from triptych_ops.lint import Finding, lint

from .repositories import CONFIGURATIONS

ROUNDS = 60
TOKENS = [
    *("{", "}", "[", "]", "<", ">", ":", ",", ";", "#", '"', "'", "\\", "-1", "0", "99999999999999999999", "1e400"),
    *("name", "input", "dims", "ensemble_scheduling", "step", "parameters", "key", "value", "max_batch_size", "\0"),
    *("TYPE_FP32", "inf", "nan", "true", "\n", "\r", "\u2028", "\udcff", "é"),
]


def seeded(seed: object) -> random.Random:
    """Chance that is the same in every run."""
    return random.Random(str(seed))  # noqa: S311  nothing secret


def checked(repository: Path) -> tuple[Finding, ...]:
    findings = lint(repository)
    for finding in findings:
        assert len(str(finding).splitlines()) == 1
        assert finding.line is None or finding.line >= 1
    return findings


def altered(content: bytes, chance: random.Random) -> bytes:
    """The same with a few bytes flipped, cut out or doubled."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(changed))
        match chance.randrange(3):
            case 0:
                changed[at] = chance.randrange(256)
            case 1:
                del changed[at : at + chance.randint(1, 40)]
            case _:
                changed[at:at] = changed[at : at + chance.randint(1, 40)]
        if not changed:
            break
    return bytes(changed)


@pytest.mark.parametrize(
    "file", ["classifier/config.pbtxt", "image_classifier/config.pbtxt", "classifier/1/model.onnx"]
)
def test_altered_bytes(repository: Path, file: str) -> None:
    chance = seeded(file)
    sound = (repository / file).read_bytes()
    told = 0
    for _ in range(ROUNDS):
        (repository / file).write_bytes(altered(sound, chance))
        told += bool(checked(repository))
    assert told > ROUNDS // 4  # not all of them do harm: a weight, a name in a comment


@pytest.mark.parametrize("file", ["classifier/config.pbtxt", "classifier/1/model.onnx", "postprocess/1/labels.txt"])
def test_random_bytes(repository: Path, file: str) -> None:
    chance = seeded(file)
    for _ in range(ROUNDS // 3):
        (repository / file).write_bytes(chance.randbytes(chance.randrange(400)))
        assert checked(repository)


def test_shuffled_tokens(repository: Path) -> None:
    chance = seeded(3)
    words = [*TOKENS, *" ".join(CONFIGURATIONS.values()).split()]
    for _ in range(ROUNDS):
        text = " ".join(chance.choices(words, k=chance.randrange(60)))
        (repository / "image_classifier" / "config.pbtxt").write_bytes(text.encode(errors="surrogateescape"))
        checked(repository)


def test_shuffled_lines_of_sound_configurations(repository: Path) -> None:
    chance = seeded(4)
    for _ in range(ROUNDS):
        for model, text in CONFIGURATIONS.items():
            lines = text.splitlines()
            lines[chance.randrange(len(lines))] = chance.choice(lines)
            (repository / model / "config.pbtxt").write_text("\n".join(lines), encoding="utf-8")
        checked(repository)


def test_a_graph_nested_without_end(repository: Path) -> None:
    content = b""
    for _ in range(3000):  # a graph in an attribute of a node of a graph, and so on
        for tag in (0x32, 0x2A, 0x0A):
            content = bytes([tag]) + _varint(len(content)) + content
    (repository / "classifier" / "1" / "model.onnx").write_bytes(b"\x3a" + _varint(len(content)) + content)
    assert "E401" in {finding.code for finding in checked(repository)}


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])
