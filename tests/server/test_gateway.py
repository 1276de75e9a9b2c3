"""`triptych gateway` before the real Triton: a photograph by plain HTTP, and by a person with a browser."""

import json
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from browser import CHROMIUM, Page, open_page
from commands import TRIPTYCH, Serving, triptych
from gateways import RunningGateway, form

_PHOTOGRAPHS = Path(__file__).parents[2] / "ops" / "triptych_ops" / "photographs"
_CAT, _COFFEE = _PHOTOGRAPHS / "chelsea.png", _PHOTOGRAPHS / "coffee.png"

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def gateway(serving: Serving) -> Iterator[RunningGateway]:
    """`triptych gateway` to the served release, over gRPC and HTTP in turn."""
    urls = ("--url", serving.ports.grpc_url, "--url", serving.ports.http_url)
    command = [str(TRIPTYCH), "gateway", "--port", "0", "--json", *urls]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield RunningGateway(json.loads(process.stdout.readline())["url"])
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "stopped\n")


@pytest.fixture
def page(gateway: RunningGateway, tmp_path: Path) -> Iterator[Page]:
    """The gateway's page in a browser with a camera, or what Chromium takes for one."""
    camera = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with open_page(tmp_path, arguments=camera) as opened:
        opened.view(1200, 800)
        opened.open(gateway.url)
        yield opened


def test_a_photograph_gets_the_answer_that_the_sdk_gets(gateway: RunningGateway, serving: Serving) -> None:
    answer = gateway.ask("POST", "/classify", _COFFEE.read_bytes(), {"Content-Type": "image/png"}).document
    direct = json.loads(triptych("classify", "--json", "--url", serving.ports.grpc_url, _COFFEE).stdout)
    assert answer["predictions"][0]["label"] == "espresso"
    assert answer["release"] == 1
    found = [(each["class_id"], each["label"]) for each in answer["predictions"]]
    assert found == [(each["class_id"], each["label"]) for each in direct["predictions"]]


def test_one_bad_image_of_three(gateway: RunningGateway) -> None:
    body, headers = form(("cat", _CAT.read_bytes()), ("text", b"no picture"), ("coffee", _COFFEE.read_bytes()))
    cat, text, coffee = gateway.ask("POST", "/classify?top_k=1", body, headers).document["results"]
    assert "cat" in cat["predictions"][0]["label"]
    assert text["error"]["code"] == "not_an_image"
    assert coffee["predictions"][0]["label"] == "espresso"
    alone = gateway.classify(b"no picture")
    assert (alone.status, alone.document["code"]) == (422, "not_an_image")


def test_an_embedding(gateway: RunningGateway) -> None:
    assert len(gateway.classify(_CAT.read_bytes(), "/embed").document["vector"]) == 1280


def test_health_is_the_known_answer(gateway: RunningGateway) -> None:
    with urllib.request.urlopen(f"{gateway.url}/healthz") as answer:
        health = json.loads(answer.read())
    assert (health["ok"], health["known"], health["release"]) == (True, True, 1)


def _bars(page: Page) -> list[list[str]]:
    """Label, percentage and the bar's width, as the page shows them."""
    rows: list[list[str]] = page.value(
        "[...document.querySelectorAll('#labels li')].map(row => [row.querySelector('.name').textContent,"
        " row.querySelector('.percent').textContent, row.querySelector('.bar').style.width])"
    )
    return rows


def _check_answer(page: Page, gateway: RunningGateway, file: Path) -> None:
    page.wait_for("!document.querySelector('#answer').hidden && parseFloat(document.querySelector('.bar').style.width)")
    predictions = gateway.classify(file.read_bytes()).document["predictions"]
    bars = _bars(page)
    assert [label for label, _, _ in bars] == [each["label"] for each in predictions]
    for (_, percent, width), prediction in zip(bars, predictions, strict=True):
        assert float(percent.removesuffix(" %")) == pytest.approx(prediction["score"] * 100, abs=0.55)
        assert float(width.removesuffix("%")) == pytest.approx(prediction["score"] * 100, abs=0.1)
    assert page.value("document.querySelector('#best').textContent") == predictions[0]["label"]
    assert page.value("document.querySelector('#release').textContent") == "1"
    assert "ms" in page.value("document.querySelector('#time').textContent")
    assert page.value("document.querySelector('#status').textContent").startswith(predictions[0]["label"])


@needs_chromium
def test_a_picture_that_is_dropped_and_one_that_is_chosen(page: Page, gateway: RunningGateway, tmp_path: Path) -> None:
    page.drop("#frame", _CAT)
    _check_answer(page, gateway, _CAT)
    assert page.value("document.querySelector('#picture').naturalWidth") == 451
    assert page.screenshot(tmp_path / "answer.png").stat().st_size > 50_000
    page.choose("#file", _COFFEE)
    page.wait_for("document.querySelector('#best').textContent === 'espresso'")
    _check_answer(page, gateway, _COFFEE)
    own = [url for url in page.requests if not url.startswith(("blob:", "data:"))]
    assert {url.removeprefix(gateway.url) for url in own} == {"/", "/classify"}
    assert page.console == []


@needs_chromium
def test_an_error_is_told_in_words_and_does_not_stay(page: Page, gateway: RunningGateway, tmp_path: Path) -> None:
    notes = tmp_path / "notes.jpg"
    notes.write_text("no picture")
    page.choose("#file", notes)
    page.wait_for("!document.querySelector('#error').hidden")
    page.screenshot(tmp_path / "error.png")
    assert "cannot be classified" in page.value("document.querySelector('#error-words').textContent")
    assert page.value("document.querySelector('#answer').hidden")
    page.drop("#frame", _COFFEE)
    _check_answer(page, gateway, _COFFEE)
    assert page.value("document.querySelector('#error').hidden")


@needs_chromium
def test_a_picture_of_the_camera_on_a_telephone_in_the_dark(page: Page, tmp_path: Path) -> None:
    page.view(390, 844, dark=True)
    page.wait_for("!document.querySelector('#camera').hidden")
    page.value("document.querySelector('#camera').click()")
    page.wait_for("document.querySelector('#video').videoWidth")
    page.value("document.querySelector('#camera').click()")
    page.wait_for("document.querySelectorAll('#labels li').length === 5")
    page.screenshot(tmp_path / "camera.png")
    assert page.value("document.querySelector('#video').hidden")
    assert page.value("document.documentElement.scrollWidth") == 390  # nothing sticks out
    assert page.console == []


@needs_chromium
def test_everything_has_a_name_and_can_be_reached_by_keyboard(page: Page) -> None:
    page.wait_for("!document.querySelector('#camera').hidden")
    order = []
    for _ in range(3):
        for kind in ("keyDown", "keyUp"):
            page.send("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        order.append(page.value("document.activeElement.id || document.activeElement.textContent"))
    assert order == ["Interface", "file", "camera"]
    nodes = page.send("Accessibility.getFullAXTree")["nodes"]
    names = {node["role"]["value"]: node.get("name", {}).get("value") for node in nodes if not node["ignored"]}
    assert names["button"] == "Use the camera"
    assert names["heading"] == "Triptych"
    assert "status" in names
    nameless = [
        node for node in nodes if not node["ignored"] and node["role"]["value"] in {"button", "link", "textbox"}
    ]
    assert all(node["name"]["value"] for node in nameless)
