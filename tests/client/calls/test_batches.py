import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest

from triptych.calls import batches
from triptych.calls.batches import Window


def window(*, concurrency: int = 2, ordered: bool = True, done: list[int] | None = None) -> Window[str]:
    progress = None if done is None else done.append
    return Window(concurrency=concurrency, ordered=ordered, progress=progress)


def failing(length: int) -> Iterator[int]:
    yield from range(length)
    raise KeyError(length)


async def asynchronous(images: Iterator[int]) -> AsyncIterator[int]:
    for image in images:
        yield image


def drain(images: Any, into: list[Any], *, size: int) -> None:
    for batch in batches.of(images, size=size):
        into.append(batch)  # noqa: PERF402  what came before a failure stays


async def drained(images: Any, into: list[Any], *, size: int) -> None:
    async for batch in batches.of_async(images, size=size):
        into.append(batch)  # noqa: PERF401


def numbers(found: list[list[tuple[int, int]]]) -> list[list[int]]:
    assert all(index == image for batch in found for index, image in batch)
    return [[image for _, image in batch] for batch in found]


BATCHES = [(0, 3, []), (1, 3, [[0]]), (3, 3, [[0, 1, 2]]), (7, 3, [[0, 1, 2], [3, 4, 5], [6]]), (2, 1, [[0], [1]])]


@pytest.mark.parametrize(("length", "size", "expected"), BATCHES)
def test_images_come_in_batches(length: int, size: int, expected: list[list[int]]) -> None:
    assert numbers(list(batches.of(range(length), size=size))) == expected


@pytest.mark.parametrize(("length", "size", "expected"), BATCHES)
@pytest.mark.parametrize("kind", [iter, asynchronous])
def test_images_of_either_kind_of_iterable_come_in_batches(
    kind: Any, length: int, size: int, expected: list[list[int]]
) -> None:
    found: list[Any] = []
    asyncio.run(drained(kind(iter(range(length))), found, size=size))
    assert numbers(found) == expected


@pytest.mark.parametrize(("length", "expected"), [(0, []), (2, [[0, 1]]), (3, [[0, 1], [2]]), (4, [[0, 1], [2, 3]])])
def test_what_was_read_before_a_failure_comes_before_it(length: int, expected: list[list[int]]) -> None:
    found: list[Any] = []
    with pytest.raises(KeyError):
        drain(failing(length), found, size=2)
    assert numbers(found) == expected
    found = []
    with pytest.raises(KeyError):
        asyncio.run(drained(asynchronous(failing(length)), found, size=2))
    assert numbers(found) == expected


def test_images_are_read_a_batch_at_a_time() -> None:
    endless = count()
    assert len(list(islice(batches.of(endless, size=4), 2))) == 2
    assert next(endless) == 8


def test_results_come_in_order_whatever_ends_first() -> None:
    ordered = window(concurrency=3)
    first, second, third = (ordered.begin() for _ in range(3))
    assert ordered.end(second, ["c", "d"]) == []
    assert ordered.end(third, ["e"]) == []
    assert ordered.end(first, ["a", "b"]) == ["a", "b", "c", "d", "e"]
    assert not ordered.waits


def test_results_come_as_they_are_where_the_order_is_nothing() -> None:
    unordered = window(ordered=False)
    first, second = unordered.begin(), unordered.begin()
    assert unordered.end(second, ["b"]) == ["b"]
    assert unordered.end(first, ["a"]) == ["a"]


def test_no_more_requests_begin_than_may_be_under_way() -> None:
    three = window(concurrency=3)
    for _ in range(3):
        assert three.has_room
        three.begin()
    assert not three.has_room
    three.end(1, ["b"])
    assert three.has_room


def test_a_slow_request_holds_up_no_more_than_as_many_again() -> None:
    two = window(concurrency=2)
    two.begin()
    for _ in range(3):  # the first is still under way
        assert two.has_room
        two.end(two.begin(), ["later"])
    assert (two.has_room, two.waits) == (False, True)
    assert two.end(0, ["first"]) == ["first", "later", "later", "later"]
    assert two.has_room


def test_progress_counts_what_is_done_whether_or_not_it_is_handed_out() -> None:
    done: list[int] = []
    counted = window(done=done)
    counted.begin()
    counted.begin()
    counted.end(1, ["c"])
    counted.end(0, ["a", "b"])
    assert done == [1, 3]


@pytest.mark.parametrize(
    "images",
    ["cat.jpg", b"image", bytearray(b"image"), memoryview(b"image"), Path("cat.jpg"), None, 7],
    ids=lambda images: type(images).__name__,
)
def test_a_single_image_is_not_taken_for_many(images: object) -> None:
    with pytest.raises(TypeError, match="use classify or embed"):
        batches.check(images, batch_size=1, concurrency=1)


def test_a_file_is_not_taken_for_many_images(tmp_path: Path) -> None:
    (tmp_path / "cat.jpg").write_bytes(b"line\nline\n")
    with (tmp_path / "cat.jpg").open("rb") as file, pytest.raises(TypeError, match="for a single one"):
        batches.check(file, batch_size=1, concurrency=1)


@pytest.mark.parametrize(
    ("batch_size", "concurrency", "words"),
    [
        (0, 1, "batch_size must be 1 to 32, not 0"),
        (33, 1, "batch_size must be 1 to 32, not 33"),
        (1, 0, "concurrency must be 1 to 64, not 0"),
        (1, 65, "concurrency must be 1 to 64, not 65"),
    ],
)
def test_a_size_or_a_number_out_of_range_is_refused(batch_size: int, concurrency: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        batches.check([], batch_size=batch_size, concurrency=concurrency)
