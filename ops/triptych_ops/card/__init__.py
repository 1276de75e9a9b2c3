"""Model cards: a release's manifest as a document for people, in Markdown or HTML.

    blocks.py      what a card is made of: sections of paragraphs, tables, lists, commands, photographs
    sections/      manifest -> sections; pure, and the only place with words
    markdown.py, html.py   a run of text -> safe text of that form
    locations.py   where the files lie that a card names
    rendering.py   card -> document, by the templates

A card says what the manifest holds, and which of a card's usual answers it does not hold.
Forbidden inside: torch, a running server, the store.
"""

from .locations import labels_file
from .rendering import FORMS, Form, render

__all__ = ["FORMS", "Form", "labels_file", "render"]
