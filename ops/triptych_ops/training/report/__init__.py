"""What an evaluation found, as a page for people, in HTML or Markdown, and as JSON.

blocks.py       what a page has besides a card's blocks: plots, confusions
composition.py  findings -> page; the only place with words
plots.py        figures -> SVG, by matplotlib
pictures.py     the images that were confused, small
document.py     findings -> JSON
rendering.py    page -> text, by the templates, and the card's
"""

from .composition import compose
from .document import document
from .findings import Findings, Model, Served
from .pictures import thumbnail
from .rendering import render

__all__ = ["Findings", "Model", "Served", "compose", "document", "render", "thumbnail"]
