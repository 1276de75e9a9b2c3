"""Two runs of the same load, compared: what changed by more than chance.

resampling.py  a figure's change, with its interval; pure
comparing.py   stage by stage, figure by figure; pure but for the reading
"""

from loadtests.errors import ComparisonError

from .comparing import Comparison, Row, Word, compared
from .resampling import Change, Margin

__all__ = ["Change", "Comparison", "ComparisonError", "Margin", "Row", "Word", "compared"]
