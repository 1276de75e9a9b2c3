"""Page -> text, by the templates of this package and of the card.

Whatever a template prints passes through its form's `inline`, so that no template can forget to escape.
"""

from collections.abc import Callable
from functools import cache

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from triptych_ops.card import Form, html, markdown
from triptych_ops.card.blocks import Text

from .blocks import Page

_INLINE: dict[Form, Callable[[Text], str]] = {"md": markdown.inline, "html": html.inline}


def render(page: Page, form: Form) -> str:
    """The page; an HTML page is one file that loads nothing and runs nothing. Markdown leaves the drawings out."""
    return _environment(form).get_template(f"report.{form}.j2").render(page=page)


@cache
def _environment(form: Form) -> Environment:
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(__package__), PackageLoader("triptych_ops.card")]),
        autoescape=select_autoescape(["html.j2"]),
        finalize=lambda value: value if isinstance(value, Markup) else _INLINE[form](value),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["drawing"] = Markup
    return environment
