"""Two runs of the same load, compared: what changed by more than chance.

resampling.py  a figure's change, with its interval; pure
comparing.py   stage by stage, figure by figure; pure but for the reading
"""

from loadtests.errors import ComparisonError

from .comparing import FIGURES, Comparison, Row, Word, compared
from .resampling import Change, Margin, Scale

__all__ = ["FIGURES", "Change", "Comparison", "ComparisonError", "Margin", "Row", "Scale", "Word", "compared"]
