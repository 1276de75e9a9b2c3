import types

import pytest

import triptych
from triptych import contract

TRITON = "in ensemble 'image_classifier', "


@pytest.mark.parametrize(
    ("error", "parts"),
    [
        ("corrupt_image: the JPEG data is damaged", ("corrupt_image", "the JPEG data is damaged")),
        ("corrupt_image: broken: at byte 7", ("corrupt_image", "broken: at byte 7")),
        ("corrupt_image: ", ("corrupt_image", "")),
        ("something went wrong", ("rejected", "something went wrong")),
        ("went wrong: at byte 7", ("rejected", "went wrong: at byte 7")),
        ("corrupt_image:no space", ("rejected", "corrupt_image:no space")),
        (": no code", ("rejected", ": no code")),
        ("", ("rejected", "")),
    ],
)
def test_the_error_of_an_image_is_split_at_its_code(error: str, parts: tuple[str, str]) -> None:
    assert contract.split_error(error) == parts


@pytest.mark.parametrize(
    ("message", "rejections"),
    [
        ("[0] empty_image: 0 bytes", {0: ("empty_image", "0 bytes")}),
        (TRITON + "[0] empty_image: 0 bytes", {0: ("empty_image", "0 bytes")}),
        (
            TRITON + "[0] not_an_image: no header\n[1] corrupt_image: broken: at byte 7\n[10] empty_image: ",
            {
                0: ("not_an_image", "no header"),
                1: ("corrupt_image", "broken: at byte 7"),
                10: ("empty_image", ""),
            },
        ),
        ("[0] empty_image: [1] is not a line of its own", {0: ("empty_image", "[1] is not a line of its own")}),
        ("[0] empty_image: 0 bytes\nand words after it", {0: ("empty_image", "0 bytes")}),
    ],
)
def test_the_rejections_of_a_request_are_read_line_by_line(
    message: str, rejections: dict[int, tuple[str, str]]
) -> None:
    assert contract.parse_rejections(message) == rejections


@pytest.mark.parametrize(
    "message",
    [
        "",
        "unexpected shape for input 'IMAGE'",
        "[1] corrupt_image: the lines do not begin at the first image",
        "[0]corrupt_image: no space",
        "[0] no code here",
        "[0] two words: are no code",
        "[request id: 7] inference request batch-size must be <= 32 for 'image_classifier'",
        "expected shape [0] but got [1]",
    ],
)
def test_another_message_holds_no_rejections(message: str) -> None:
    assert contract.parse_rejections(message) == {}


def test_the_outputs_asked_for_are_outputs_of_the_contract() -> None:
    assert {*contract.CLASSIFICATION_OUTPUTS, *contract.EMBEDDING_OUTPUTS} == contract.OUTPUTS.keys()


def test_the_public_names_are_sorted_and_can_be_imported() -> None:
    assert triptych.__all__ == sorted(set(triptych.__all__))
    assert [name for name in triptych.__all__ if not hasattr(triptych, name)] == []


def test_every_name_without_an_underscore_is_public() -> None:
    found = vars(triptych).items()
    names = {name for name, value in found if name[0] != "_" and not isinstance(value, types.ModuleType)}
    assert names | {"__version__"} == set(triptych.__all__)
