"""Text from outside, such as labels and file names, made fit to be shown."""

import unicodedata

_INVISIBLE = frozenset({"Cc", "Cs", "Zl", "Zp"})  # controls, halves of pairs, separators of lines and paragraphs
_TURNING = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)  # the writing direction


def shown(text: str) -> str:
    """The text with what would break lines, turn the direction or be no UTF-8 as its escape."""
    return "".join(ascii(character)[1:-1] if _escaped(character) else character for character in text)


def _escaped(character: str) -> bool:
    return unicodedata.category(character) in _INVISIBLE or character in _TURNING
