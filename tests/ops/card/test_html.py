"""An HTML card is well formed, loads and runs nothing, and shows foreign text as text."""

import re
from html.parser import HTMLParser

import pytest

from triptych_ops.card import render
from triptych_ops.release import Manifest

VOID = {"meta", "img", "br", "link"}
LOADING = {"src", "href", "srcset", "action", "data", "poster", "background"}
ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "nav", "section", "article", "div", "span"),
    *("h1", "h2", "h3", "p", "ul", "li", "dl", "dt", "dd", "a", "pre", "code", "bdi", "figure", "figcaption", "img"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td"),
}


class Outline(HTMLParser):
    """What a document holds; `faults` are what it must not hold."""

    def __init__(self, document: str) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.text: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.images = 0
        self.tables = self.captions = 0
        self._open: list[str] = []
        self.feed(document)
        self.close()
        self.faults += [f"<{tag}> is not closed" for tag in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in ELEMENTS:
            self.faults.append(f"<{tag}> has no place in a card")
        for name, value in given.items():
            if name.startswith("on"):
                self.faults.append(f"{name} runs a script")
            if name in LOADING and not (value or "").startswith(("#", "data:image/jpeg;base64,")):
                self.faults.append(f"{name}={value} loads something")
        if tag == "img":
            self.images += 1
            if not given.get("alt"):
                self.faults.append("an image without words")
        self.tables += tag == "table"
        self.captions += tag == "caption"
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.targets += [value[1:] for name, value in attrs if name == "href" and value]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        if self._open[-1:] == ["style"]:
            self.faults += re.findall(r"url\(|@import|expression", data)
        self.text.append(data)


def test_a_card_is_well_formed_and_loads_nothing(any_manifest: Manifest) -> None:
    outline = Outline(render(any_manifest, "html", labels=["<b>", "a"]))
    assert outline.faults == []
    assert outline.tables == outline.captions > 5
    assert len(outline.ids) == len(set(outline.ids))
    assert set(outline.targets) <= set(outline.ids)
    assert len(outline.targets) == 11


@pytest.mark.parametrize(
    ("planted", "fault"),
    [
        ("<script>1</script>", "<script> has no place in a card"),
        ("<p>", "</main> closes nothing"),
        ("</p>", "</p> closes nothing"),
        ('<img alt="x" src="https://evil.example/x.png">', "src=https://evil.example/x.png loads something"),
        ('<img src="data:image/jpeg;base64,AA">', "an image without words"),
        ('<p onclick="x()"></p>', "onclick runs a script"),
        ("<style>p { background: url(x) }</style>", "url("),
    ],
)
def test_a_planted_fault_is_caught(fp32: Manifest, planted: str, fault: str) -> None:
    sound = render(fp32, "html")
    assert fault in Outline(sound.replace("</main>", f"{planted}</main>")).faults


def test_foreign_text_is_shown_as_it_is(hostile: Manifest) -> None:
    text = "".join(Outline(render(hostile, "html")).text)
    for shown in ("<script>alert(1)</script>", "a|b \\| c", "`code` ``more``", '"><b style="x">', "&lt;b&gt;", "日本"):
        assert shown in text
    assert r"\u202egnp.exe\u202c \u2028 \x1b[31m \ud800 \x00" in text
    render(hostile, "html").encode()  # no half of a pair is left


def test_bundled_photographs_are_shown_and_credited(fp32: Manifest, hostile: Manifest) -> None:
    document = render(fp32, "html")
    assert Outline(document).images == 3
    assert "Stefan van der Walt, CC0" in document
    assert len(document) < 200_000
    assert Outline(render(hostile, "html")).images == 0


def test_a_bar_is_as_long_as_its_score_and_never_longer_than_its_track(fp32: Manifest, hostile: Manifest) -> None:
    assert '<span style="inline-size: 71.0%"></span>' in render(fp32, "html")
    assert set(re.findall(r"inline-size: ([\d.]+)%", render(hostile, "html"))) == {"100.0"}
