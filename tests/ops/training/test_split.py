"""How images are divided, and which divisions are refused."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from triptych_ops.errors import MissingError, RefusedError, UsageError
from triptych_ops.training import PARTS, Dataset, Part, Sample, Shares, Split
from triptych_ops.training.data.content import WholeFile
from triptych_ops.training.split import near_copies_apart, predefined, require_apart, stratified


def _dataset(counts: dict[str, int]) -> Dataset:
    samples = [
        Sample(f"{label}/{number}.png", index, WholeFile(Path(f"/photos/{label}/{number}.png")))
        for index, (label, count) in enumerate(counts.items())
        for number in range(count)
    ]
    return Dataset(Path("/photos"), "folder", tuple(counts), tuple(sorted(samples, key=lambda sample: sample.name)))


def _digests(dataset: Dataset) -> dict[str, str]:
    return {sample.name: f"digest of {sample.name}" for sample in dataset.samples}


def _divided(dataset: Dataset, *, shares: Shares = Shares(), seed: int = 0) -> Split:  # noqa: B008
    return stratified(dataset, _digests(dataset), shares=shares, seed=seed)


def test_each_class_is_divided_by_the_shares() -> None:
    split = _divided(_dataset({"cat": 100, "dog": 10, "eel": 3}))
    counts = {part: Counter(name.split("/")[0] for name in split.names(part)) for part in PARTS}
    assert counts == {
        "train": {"cat": 60, "dog": 6, "eel": 1},
        "validation": {"cat": 20, "dog": 2, "eel": 1},
        "test": {"cat": 20, "dog": 2, "eel": 1},
    }


@pytest.mark.parametrize("count", range(3, 30))
@pytest.mark.parametrize("shares", [Shares(), Shares(1, 1, 1), Shares(98, 1, 1), Shares(1, 1, 98), Shares(1, 98, 1)])
def test_no_part_is_empty_and_no_image_is_lost(count: int, shares: Shares) -> None:
    split = _divided(_dataset({"cat": count, "dog": count}), shares=shares)
    assert all(split.names(part) for part in PARTS)
    assert sum(len(split.names(part)) for part in PARTS) == 2 * count


def test_a_seed_divides_alike_and_another_otherwise() -> None:
    dataset = _dataset({"cat": 50, "dog": 50})
    assert _divided(dataset, seed=1) == _divided(dataset, seed=1)
    assert _divided(dataset, seed=1).test != _divided(dataset, seed=2).test


def test_a_new_class_changes_no_other() -> None:
    before = _divided(_dataset({"cat": 50, "dog": 50}))
    after = _divided(_dataset({"ant": 9, "cat": 50, "dog": 50}))
    assert {name for name in after.test if not name.startswith("ant")} == set(before.test)


def test_copies_of_an_image_are_in_one_part() -> None:
    dataset = _dataset({"cat": 40, "dog": 40})
    digests = {
        name: digest.replace(name, name.split("/")[0] + str(len(name))) for name, digest in _digests(dataset).items()
    }
    digests |= {f"cat/{number}.png": f"pair {number // 2}" for number in range(40)}
    digests |= {f"dog/{number}.png": f"dog {number}" for number in range(40)}
    split = stratified(dataset, digests, shares=Shares(), seed=0)
    places = {name: part for part in PARTS for name in split.names(part)}
    assert all(places[f"cat/{number}.png"] == places[f"cat/{number + 1}.png"] for number in range(0, 40, 2))


def test_an_image_in_two_classes_is_refused() -> None:
    dataset = _dataset({"cat": 5, "dog": 5})
    digests = _digests(dataset) | {"cat/2.png": "the same", "dog/4.png": "the same"}
    with pytest.raises(RefusedError, match=r"'cat/2.png' and 'dog/4.png' of /photos are the same image in two classes"):
        stratified(dataset, digests, shares=Shares(), seed=0)


@pytest.mark.parametrize(("count", "words"), [(1, "1 different image,"), (2, "2 different images,")])
def test_a_class_of_too_few_images_is_refused(count: int, words: str) -> None:
    with pytest.raises(
        RefusedError, match=f"the class 'dog' of /photos has {words} and each of train, validation, test"
    ):
        _divided(_dataset({"cat": 9, "dog": count}))


def test_a_split_comes_back_from_its_file(tmp_path: Path) -> None:
    split = _divided(_dataset({"cat": 5, "Zürich, \N{SNOWMAN}": 5}))
    split.write(tmp_path / "split.json")
    assert Split.from_file(tmp_path / "split.json") == split


def test_a_split_of_other_images_is_refused() -> None:
    dataset = _dataset({"cat": 5, "dog": 5})
    split, digests = _divided(dataset), _digests(dataset)
    split.require_fits(dataset, digests, source="split.json")
    altered = digests | {"cat/1.png": "another"}
    new = digests | {"cat/9.png": "new", "cat/8.png": "new"}
    missing = {name: digest for name, digest in digests.items() if name != "dog/0.png"}
    for found, words in (
        (altered, "'cat/1.png' has other content;"),
        (new, "'cat/8.png' is in no part, and 1 more;"),
        (missing, "'dog/0.png' is missing;"),
    ):
        with pytest.raises(RefusedError, match=f"^split.json does not match /photos: {words} restore the images, or"):
            split.require_fits(dataset, found, source="split.json")
    with pytest.raises(RefusedError, match="the classes differ, first 'eel'"):
        split.require_fits(_dataset({"cat": 5, "dog": 5, "eel": 5}), digests, source="split.json")


def test_a_damaged_split_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "split.json"
    with pytest.raises(MissingError, match="there is no split file"):
        Split.from_file(file)
    file.write_text(
        '{"seed": 0, "classes": ["a"], "digests": {"x": "1"}, "train": ["x"], "validation": ["x"], "test": []}'
    )
    with pytest.raises(RefusedError, match="an image is in two parts"):
        Split.from_file(file)
    file.write_text("{")
    with pytest.raises(RefusedError, match="is no split of images"):
        Split.from_file(file)


@pytest.mark.parametrize("text", ["", "6:2", "6:2:2:1", "6:2:0", "a:b:c", "nan:1:1", "inf:1:1", "-1:1:1"])
def test_shares_that_divide_nothing_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="write three positive numbers such as 6:2:2"):
        Shares.parse(text)


def test_shares_are_parsed() -> None:
    assert Shares.parse("70:15:15") == Shares(70, 15, 15)


def _named(counts: dict[str, int], parts: tuple[Part, ...]) -> Dataset:
    """A data set that names the part of each sample, in turn."""
    dataset = _dataset(counts)
    samples = tuple(
        replace(sample, part=parts[int(sample.name.split("/")[1].removesuffix(".png")) % len(parts)])
        for sample in dataset.samples
    )
    return replace(dataset, samples=samples, layout="splits")


def test_the_parts_that_a_data_set_names_are_the_split() -> None:
    dataset = _named({"cat": 12, "dog": 12}, ("train", "validation", "test"))
    split = predefined(dataset, _digests(dataset), shares=Shares(1, 1, 98), seed=3)
    assert (split.seed, split.predefined) == (None, PARTS)
    assert all(sample.name in split.names(sample.part or "train") for sample in dataset.samples)


@pytest.mark.parametrize(("named", "made"), [("validation", "test"), ("test", "validation")])
def test_a_part_that_is_not_named_is_taken_from_the_training_part(named: Part, made: Part) -> None:
    dataset = _named({"cat": 40, "dog": 40}, ("train", named))
    split = predefined(dataset, _digests(dataset), shares=Shares(), seed=3)
    assert (split.seed, split.predefined) == (3, dataset.parts)
    given = {sample.name for sample in dataset.samples if sample.part == named}
    assert set(split.names(named)) == given
    assert Counter(name.split("/")[0] for name in split.names(made)) == {"cat": 5, "dog": 5}  # 2 of 8 of 20
    assert Counter(name.split("/")[0] for name in split.train) == {"cat": 15, "dog": 15}


def test_the_same_image_in_two_named_parts_is_refused() -> None:
    dataset = _named({"cat": 12, "dog": 12}, ("train", "validation", "test"))
    digests = _digests(dataset) | {"cat/3.png": "the same", "cat/5.png": "the same"}
    split = predefined(dataset, digests, shares=Shares(), seed=0)
    with pytest.raises(RefusedError, match=r"has the same image in two parts, 'cat/3\.png' and 'cat/5\.png'; remove"):
        require_apart(split, source="/photos")
    require_apart(predefined(dataset, _digests(dataset), shares=Shares(), seed=0), source="/photos")


def test_near_copies_are_in_one_part() -> None:
    dataset = _dataset({"cat": 40, "dog": 40})
    groups = [(f"cat/{number}.png", f"cat/{number + 20}.png") for number in range(20)]
    split = stratified(dataset, _digests(dataset), shares=Shares(), seed=0, near_copies=groups)
    assert near_copies_apart(split, groups) == []
    apart = stratified(dataset, _digests(dataset), shares=Shares(), seed=0)  # the control: without knowing of them
    assert near_copies_apart(apart, groups)


def test_near_copies_are_divided_where_a_class_has_too_few_others() -> None:
    dataset = _dataset({"cat": 3, "dog": 9})
    split = stratified(
        dataset, _digests(dataset), shares=Shares(), seed=0, near_copies=[("cat/0.png", "cat/1.png", "cat/2.png")]
    )
    assert all(any(name.startswith("cat") for name in split.names(part)) for part in PARTS)
