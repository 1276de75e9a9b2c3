"""What a run must hold, and whether it did. Pure, but for the reading of a file."""

from loadtests.errors import ObjectiveError

from .objective import FIGURES, Objective, Unit
from .reading import objective, objectives_in
from .verdict import Verdict, judged

__all__ = ["FIGURES", "Objective", "ObjectiveError", "Unit", "Verdict", "judged", "objective", "objectives_in"]
