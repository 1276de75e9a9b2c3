from pathlib import Path

from loadtests.benchmark.releases import ReleaseFolder, newest_pair


def numbers(*releases: tuple[int, str, str]) -> dict[str, int]:
    listed = [ReleaseFolder(Path("/store"), number, precision, weights) for number, precision, weights in releases]
    return {precision: release.number for precision, release in newest_pair(listed).items()}


def test_both_precisions_are_of_the_same_weights() -> None:
    assert numbers((1, "fp32", "a"), (2, "int8", "a"), (3, "fp32", "b")) == {"fp32": 1, "int8": 2}


def test_the_newest_are_taken() -> None:
    assert numbers((2, "int8", "a"), (1, "fp32", "a"), (4, "fp32", "a")) == {"fp32": 4, "int8": 2}
    assert numbers((1, "fp32", "a"), (5, "int8", "a"), (2, "fp32", "b"), (3, "int8", "b")) == {"fp32": 1, "int8": 5}


def test_without_a_pair_there_is_none() -> None:
    assert numbers() == {}
    assert numbers((1, "fp32", "a"), (2, "int8", "b"), (3, "fp16", "a")) == {}


def test_a_release_lies_in_its_store() -> None:
    assert ReleaseFolder(Path("/store"), 7, "fp32", "a").folder == Path("/store/releases/7")
