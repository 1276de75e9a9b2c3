"""A run of text -> HTML that shows exactly that text."""

from markupsafe import Markup

from .blocks import Code, Label, Text, Verbatim
from .foreign import shown

_SHORT = 16  # characters of code that stay on one line, such as a tensor's name


def inline(text: Text) -> Markup | str:
    """Fit for an element's content; plain strings are left to the template's own escaping."""
    match text:
        case tuple():
            return Markup("").join(map(inline, text))
        case Code():
            wraps = Markup(' class="long"') if len(text.text) > _SHORT else ""
            return Markup("<code{}>{}</code>").format(wraps, shown(text.text))
        case Label():
            return Markup("<bdi>{}</bdi>").format(shown(text.text))
        case Verbatim():
            return text.text
        case _:
            return shown(text)
