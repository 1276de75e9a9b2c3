"""What a run tells: one page with plots, JSON, CSV and JUnit, made from its record and from nothing else.

finding.py    a run's record, its objectives and the server's statistics, joined; pure but for the reading
seconds.py    what happened in each second; pure
plots.py      plots as SVG; pure
charts.py     which plots a report has; pure
page.py       the page
document.py   JSON; rows.py CSV; junit.py JUnit's XML
files.py      writes them into the run's folder
"""

from .document import SCHEMA_VERSION, document
from .files import FILES, write
from .finding import Finding, State, found_in

__all__ = ["FILES", "SCHEMA_VERSION", "Finding", "State", "document", "found_in", "write"]
