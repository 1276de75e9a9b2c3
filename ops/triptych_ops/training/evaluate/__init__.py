"""How good a classifier's answers are: scores and true classes -> figures and curves. Pure, and without torch.

    figures.py    accuracy, top-k, confusions, each class
    curves.py     precision over recall, ROC
    calibration.py   is a score the share of right answers?
    agreement.py  do two give the same answers?
    speed.py      latency and throughput of whatever answers

Scores are (N, C) float32; NaN stands where a class was not among the K that a server sent.
"""

from .agreement import Agreement, compare
from .calibration import Calibration, CalibrationBin, calibrate
from .curves import Curve, precision_recall, roc
from .figures import ClassFigures, Evaluation, evaluate
from .speed import Speed, time_answers

__all__ = [
    "Agreement",
    "Calibration",
    "CalibrationBin",
    "ClassFigures",
    "Curve",
    "Evaluation",
    "Speed",
    "calibrate",
    "compare",
    "evaluate",
    "precision_recall",
    "roc",
    "time_answers",
]
