"""Case 40: hostile and odd images through the real server."""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from triptych_ops import export

from . import pictures
from .asking import BOUND_S, Answer, Asker
from .conftest import Plant, Serve

_MUTATIONS, _SEED = 640, 40
_DEFECTS = {
    "except Exception as error:  # decoders": "except ArithmeticError as error:  # decoders",
    "        image = self.header(body)\n": """
        import os, time
        if body.endswith(b"late"): time.sleep(3)
        if body.endswith(b"deadly"): os._exit(9)
        image = self.header(body)
""",
}
"""Lines of the decoder, and what replaces them."""


def slowest(answers: Iterable[Answer]) -> str:
    return f"the slowest took {max(answer.seconds for answer in answers):.2f} s of {BOUND_S:g}"


def test_case_40_valid_odd_images_get_the_class_that_torch_gives(asker: Asker, tmp_path: Path) -> None:
    bodies = pictures.valid()
    answers = asker.ask_all(bodies)
    paths = [tmp_path / str(index) for index in range(len(bodies))]
    for path, body in zip(paths, bodies.values(), strict=True):
        path.write_bytes(body)
    reference = export.Reference(export.load("efficientnet_lite0"))
    expected = dict(zip(bodies, reference.logits(paths).argmax(axis=1).tolist(), strict=True))
    served = {name: answer.class_id for name, answer in answers.items()}
    agreeing = sum(served[name] == expected[name] for name in bodies)
    print(f"case 40: {agreeing} of {len(bodies)} valid odd images get torch's class, {slowest(answers.values())}")
    assert len(set(expected.values())) > 1, "one class for all says nothing"
    assert served == expected
    assert asker.faults(answers) == []


def test_case_40_images_of_extreme_proportions_and_sizes_are_answered(asker: Asker) -> None:
    answers = asker.ask_all(pictures.slivers())
    print(f"case 40: {len(answers)} of the largest and thinnest images answered, {slowest(answers.values())}")
    assert {answer.code for answer in answers.values()} == {"ok"}
    assert asker.faults(answers) == []


def test_case_40_hostile_images_are_refused_with_a_code(asker: Asker) -> None:
    expected = {name: code for name, (_, code) in pictures.hostile().items()}
    answers = asker.ask_all({name: body for name, (body, _) in pictures.hostile().items()})
    refused = sum(answers[name].code == code for name, code in expected.items())
    print(f"case 40: {refused} of {len(expected)} hostile images refused as they are, {slowest(answers.values())}")
    assert {name: answer.code for name, answer in answers.items()} == expected
    assert asker.faults(answers) == []


def test_case_40_mutated_images_are_answered_or_refused(asker: Asker) -> None:
    answers = asker.ask_all(dict(pictures.mutations(_SEED, _MUTATIONS)))
    codes = Counter(answer.code for answer in answers.values())
    print(f"case 40: {len(answers)} mutated images: {dict(codes)}, {slowest(answers.values())}, no stub died")
    assert len(answers) == _MUTATIONS
    assert set(codes) <= {"ok", "not_an_image", "corrupt_image", "image_too_large"}
    assert min(codes["ok"], codes["not_an_image"], codes["corrupt_image"]) > _MUTATIONS / 20
    assert asker.faults(answers) == []


def test_case_40_control_untranslated_errors_slow_images_and_dead_stubs_are_found(
    planted: Callable[[Plant], Path], serve: Serve
) -> None:
    def plant(preprocess: Path) -> None:
        path = preprocess / "decoding.py"
        source = path.read_text(encoding="utf-8")
        for sound, broken in _DEFECTS.items():
            assert source.count(sound) == 1, sound
            source = source.replace(sound, broken)
        path.write_text(source, encoding="utf-8")

    whole = pictures.encoded(pictures.photograph(), "JPEG")
    bodies = {"untranslated": whole[: len(whole) // 2], "late": whole + b"late", "deadly": whole + b"deadly"}
    with serve(planted(plant)) as asker:
        found = asker.faults(asker.ask_all(bodies))
    expected = ["untranslated ended in StatusCode.INTERNAL", "late took 3", "deadly ended in ", " stubs are gone"]
    noticed = sum(any(words in sentence for sentence in found) for words in expected)
    print(f"case 40: of {len(expected)} planted defects {noticed} are found")
    assert noticed == len(expected), found


def test_the_mutations_are_the_same_each_time() -> None:
    first, second = (list(pictures.mutations(_SEED, 16)) for _ in range(2))
    assert first == second
    assert len({body for _, body in first}) == len(first)
