"""A Markdown card is GFM that shows foreign text as text; markdown-it is what reads it here."""

import html
import re

from markdown_it import MarkdownIt

from triptych_ops.card import render
from triptych_ops.card.blocks import Code, Label
from triptych_ops.card.foreign import shown
from triptych_ops.card.markdown import inline
from triptych_ops.release import Manifest

GFM = MarkdownIt("commonmark").enable(["table", "strikethrough"])
ALLOWED = {
    *("h1", "h2", "h3", "p", "strong", "code", "pre", "ul", "li"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}


def elements(document: str) -> set[str]:
    return set(re.findall(r"<([a-z0-9]+)", GFM.render(document)))


def cells(document: str) -> list[str]:
    found = re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", GFM.render(document), flags=re.DOTALL)
    return [html.unescape(re.sub(r"</?code>", "", cell)) for cell in found]


def test_every_table_is_read_as_one(any_manifest: Manifest) -> None:
    document = render(any_manifest, "md", labels=["a|b", "<b>"])
    rendered = GFM.render(document)
    assert elements(document) <= ALLOWED
    assert rendered.count("<table>") == len(re.findall(r"^\|(?::?-+:?\|)+$", document, flags=re.MULTILINE)) > 5
    for table in re.findall(r"<table>.*?</table>", rendered, flags=re.DOTALL):
        widths = {len(re.findall(r"<t[dh]", row)) for row in re.findall(r"<tr>.*?</tr>", table, flags=re.DOTALL)}
        assert len(widths) == 1
    assert "\n\n\n" not in document
    assert document.endswith("\n")


def test_what_is_escaped_would_otherwise_be_markup(hostile_texts: tuple[str, ...]) -> None:
    loose = "| a |\n|---|\n" + "".join(f"| {shown(text)} |\n" for text in hostile_texts)
    assert len(elements(loose) - ALLOWED) >= 3
    assert [cell.strip() for cell in cells(loose)[1:]] != [shown(text) for text in hostile_texts]


def test_a_cell_shows_foreign_text_as_it_is(hostile_texts: tuple[str, ...]) -> None:
    for kind in (str, Label, Code):
        rows = "".join(f"| {inline(kind(text))} |\n" for text in hostile_texts)
        document = "| a |\n|---|\n" + rows
        assert elements(document) <= ALLOWED
        assert cells(document)[1:] == [shown(text) for text in hostile_texts]


def test_nothing_foreign_becomes_a_link_or_an_image(hostile: Manifest) -> None:
    document = render(hostile, "md")
    prose = re.sub(r"`[^`\n]*`", "", document)
    assert not re.search(r"(?<!\\)://|www\.", prose)
    assert not elements(document) & {"a", "img", "script", "del", "em", "b"}


def test_words_with_underscores_stay_readable() -> None:
    assert inline("efficientnet_lite0 of _this_ and _ alone") == r"efficientnet_lite0 of \_this\_ and \_ alone"
