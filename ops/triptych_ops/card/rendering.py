"""Card -> document, by the templates below `templates`.

Whatever a template prints passes through its form's `inline`, so that no template can forget to escape.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal, get_args

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from triptych_ops.release import Manifest

from . import html, markdown, pictures
from .blocks import Text
from .sections import compose

Form = Literal["md", "html"]
FORMS: tuple[Form, ...] = get_args(Form)

_INLINE: dict[Form, Callable[[Text], str]] = {"md": markdown.inline, "html": html.inline}


def render(manifest: Manifest, form: Form, *, labels: Sequence[str] = ()) -> str:
    """The model card of a release; the same manifest gives the same text.

    `labels`, (C,), are the release's, where they were read: the card shows the first. An HTML card is one
    file that loads nothing and runs nothing.
    """
    card = compose(manifest, credit_of=pictures.credit_of(), labels=labels)
    return _environment(form).get_template(f"card.{form}.j2").render(card=card, thumbnail=pictures.thumbnail)


@cache
def _environment(form: Form) -> Environment:
    return Environment(
        loader=PackageLoader("triptych_ops.card"),
        autoescape=select_autoescape(["html.j2"]),
        finalize=_INLINE[form],
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
