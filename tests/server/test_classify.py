"""`triptych classify` and `triptych health` against the real server."""

import json
from pathlib import Path

import pytest
from PIL import Image

from commands import Serving, triptych
from triptych_ops.photographs import PHOTOGRAPHS

CHELSEA, COFFEE, ROCKET = (str(photograph.path) for photograph in PHOTOGRAPHS)
CATS = {"tabby", "tiger cat", "Egyptian cat"}


def records(output: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.splitlines()]


def first_label(record: dict[str, object]) -> str:
    predictions = record["predictions"]
    assert isinstance(predictions, list)
    return str(predictions[0]["label"])


def test_photographs_get_their_labels(url: str) -> None:
    done = triptych("classify", CHELSEA, COFFEE, ROCKET, "--url", url, "--json")
    assert done.returncode == 0, done.stderr
    cat, coffee, rocket = records(done.stdout)
    assert first_label(cat) in CATS
    assert first_label(coffee) == "espresso"
    assert first_label(rocket) == "missile"
    assert [record["image"] for record in (cat, coffee, rocket)] == [CHELSEA, COFFEE, ROCKET]
    assert all(record["release"] == 1 and record["error"] is None for record in (cat, coffee, rocket))
    assert all(len(record["predictions"]) == 5 for record in (cat, coffee, rocket))  # type: ignore[arg-type]
    assert set(coffee["predictions"][0]) == {"class_id", "label", "score"}  # type: ignore[index]


def test_both_protocols_answer_alike(serving: Serving) -> None:
    answers = []
    for url in (serving.ports.grpc_url, serving.ports.http_url):
        done = triptych("classify", CHELSEA, COFFEE, ROCKET, "--url", url, "--json")
        answers.append([record["predictions"] for record in records(done.stdout)])
    assert answers[0] == answers[1]


def test_people_get_a_table(url: str) -> None:
    done = triptych("classify", COFFEE, "--url", url, "--top-k", 2)
    assert done.returncode == 0
    assert "espresso" in done.stdout
    assert "cup" in done.stdout
    assert "consomme" not in done.stdout


def test_more_files_than_one_request_holds(url: str, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.webp" for number in range(40)]
    with Image.open(COFFEE) as image:
        for path in paths:
            image.resize((300, 200)).save(path)
    done = triptych("classify", *paths, "--url", url, "--json")
    assert [first_label(record) for record in records(done.stdout)] == ["espresso"] * 40


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    (folder / "empty.jpg").touch()
    (folder / "text.png").write_text("hello")
    (folder / "truncated.jpg").write_bytes(Path(ROCKET).read_bytes()[:5000])
    return folder


@pytest.mark.parametrize(
    ("name", "code", "status"),
    [
        ("empty.jpg", "empty_image", 1),
        ("text.png", "not_an_image", 1),
        ("truncated.jpg", "corrupt_image", 1),
        ("missing.jpg", "missing_file", 3),
    ],
)
def test_a_bad_image_is_one_line_and_an_exit_code(url: str, bad: Path, name: str, code: str, status: int) -> None:
    done = triptych("classify", bad / name, "--url", url)
    assert done.returncode == status
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"triptych: {bad / name}: ")
    assert f"({code})" in line


def test_bad_images_do_not_touch_the_good_ones(url: str, bad: Path) -> None:
    done = triptych("classify", bad / "truncated.jpg", COFFEE, bad / "missing.jpg", CHELSEA, "--url", url, "--json")
    assert done.returncode == 1  # of the first that failed
    truncated, coffee, missing, cat = records(done.stdout)
    assert truncated["error"]["code"] == "corrupt_image"  # type: ignore[index]
    assert missing["error"]["code"] == "missing_file"  # type: ignore[index]
    assert truncated["predictions"] == missing["predictions"] == []
    assert first_label(coffee) == "espresso"
    assert first_label(cat) in CATS


def test_a_folder_is_classified_in_pieces_and_as_a_whole_alike(url: str, bad: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    (photos / "more").mkdir(parents=True)
    for number in range(30):
        (photos / f"{number:02}.jpg").symlink_to((CHELSEA, COFFEE, ROCKET)[number % 3])
    (photos / "more" / "x.jpg").symlink_to(bad / "truncated.jpg")
    out = tmp_path / "rows.jsonl"
    arguments = ["classify", photos, "--recursive", "--json", "--url", url]
    whole = triptych(*arguments)
    assert whole.returncode == 1
    assert whole.stderr.startswith("31 files: 30 classified, 1 failed (1 corrupt_image); ")
    assert triptych(*arguments, "--out", out).stdout == ""
    lines = out.read_text().splitlines(keepends=True)
    out.write_text("".join(lines[:13]) + lines[13][:100])
    assert triptych(*arguments, "--out", out, "--resume").returncode == 1
    expected = [(row["image"], row["predictions"] and first_label(row)) for row in records(whole.stdout)]
    found = [(row["image"], row["predictions"] and first_label(row)) for row in records(out.read_text())]
    assert found == expected
    assert [label for _, label in expected[1:30:3]] == ["espresso"] * 10


def test_health_compares_with_the_known_answer(url: str) -> None:
    done = triptych("health", "--url", url, "--json")
    assert done.returncode == 0
    state = json.loads(done.stdout)
    assert (state["ok"], state["known"], state["release"]) == (True, True, 1)


@pytest.mark.parametrize(
    ("swap", "words"),
    [
        (lambda ports: f"http://127.0.0.1:{ports.grpc}", "does not speak HTTP"),
        (lambda ports: f"grpc://127.0.0.1:{ports.http}", "no gRPC server answers"),
        (lambda ports: f"http://127.0.0.1:{ports.metrics}", "405"),
    ],
)
def test_the_port_of_another_protocol_is_one_clear_line(serving: Serving, swap, words: str) -> None:  # type: ignore[no-untyped-def]
    done = triptych("classify", COFFEE, "--url", swap(serving.ports))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert words in line
