"""Which settings of a server carry most on a machine, and whether that is more than chance.

candidates.py  what is tried beside the defaults; pure
contest.py     which of them is better than the defaults, by how much; pure: who measures is a function's
"""

from .candidates import Candidate, combined, variants
from .contest import Effort, Screened, Tuning, tune

__all__ = ["Candidate", "Effort", "Screened", "Tuning", "combined", "tune", "variants"]
