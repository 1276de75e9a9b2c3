"""A run of text -> GitHub flavoured Markdown that shows exactly that text."""

import re

from .blocks import Code, Label, Text, Verbatim
from .foreign import shown

# What opens a construct inside a line, and what GFM would make a link of.
_SPECIAL = re.compile(
    r"[\\`*\[\]<>|~&#$]"
    r"|(?<![^\W_])_|_(?![^\W_])"  # not within a word, where GFM takes it as it is
    r"|:(?=//)|(?<=www)\.",
    re.IGNORECASE,
)
_BREAKS_CODE = frozenset("`|\\")  # a span of code, or the cell of a table around it


def inline(text: Text) -> str:
    """Fit for a paragraph, a heading or a cell."""
    match text:
        case tuple():
            return "".join(map(inline, text))
        case Verbatim():
            return text.text
        case Code() if text.text and not _BREAKS_CODE & set(text.text):
            return f"`{shown(text.text)}`"
        case Code() | Label():
            return _escaped(text.text)
        case _:
            return _escaped(text)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", shown(text))
