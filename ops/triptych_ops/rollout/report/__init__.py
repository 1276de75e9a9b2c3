"""The story of a rollout, for people and for programs.

story.py    a record of it -> what is to be told; pure
drawing.py  where on a page a time, a share and an interval lie; pure
page.py     the page: one file that loads nothing and runs nothing
"""

from .page import page
from .story import Story, story_of

__all__ = ["Story", "page", "story_of"]
