"""Figures -> SVG, by matplotlib; the text of the drawings is text, in the colours of the page."""

import io
import re
import warnings
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..evaluate import Calibration, Curve, Evaluation

_INK = "#1b2229"  # of text and lines in a drawing, which the page's own colour replaces
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "triptych",  # the same figures give the same text
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK),
}
_MOST_CLASSES = 30  # with names and numbers in a matrix
_ACCENT = "#2a9d74"  # to be seen on white and on black


def confusion_matrix(evaluation: Evaluation) -> str:
    """True classes from above to below, answered ones from left to right, as shares of the true class."""
    matrix = evaluation.confusion
    count = len(matrix)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    side = min(8.0, 2 + 0.42 * count)
    with mpl.rc_context(_STYLE):
        figure, axes = _figure(side, side)
        axes.imshow(shares, cmap="Greens", vmin=0, vmax=1)
        axes.set(xlabel="answered", ylabel="true")
        if count <= _MOST_CLASSES:
            labels = [_short(each.label) for each in evaluation.classes]
            axes.set_xticks(range(count), labels, rotation=90 if max(map(len, labels)) > 2 else 0)
            axes.set_yticks(range(count), labels)
            for row, column in zip(*np.nonzero(matrix), strict=True):
                colour = "white" if shares[row, column] > 0.5 else "#222222"
                axes.text(column, row, str(matrix[row, column]), ha="center", va="center", color=colour)
        return _svg(figure)


def curves(named: Sequence[tuple[str, Curve]], *, x: str, y: str, diagonal: bool) -> str:
    """Curves in one drawing, with their areas beside their names."""
    with mpl.rc_context(_STYLE):
        figure, axes = _figure(6.2, 3.6)
        for name, curve in named:
            axes.plot(curve.x, curve.y, label=f"{_short(name)}  {curve.area:.3f}", linewidth=1.5)
        if diagonal:
            axes.plot([0, 1], [0, 1], color="#888888", linewidth=0.8, linestyle=":")
        axes.set(xlabel=x, ylabel=y, xlim=(-0.02, 1.02), ylim=(-0.02, 1.04))
        axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False)
        return _svg(figure)


def reliability(calibration: Calibration) -> str:
    """Accuracy over confidence: on the diagonal a score is the share of right answers."""
    with mpl.rc_context(_STYLE):
        figure, axes = _figure(4.2, 3.6)
        centres = [(each.low + each.high) / 2 for each in calibration.bins]
        widths = [(each.high - each.low) * 0.9 for each in calibration.bins]
        axes.bar(centres, [each.accuracy for each in calibration.bins], widths, color=_ACCENT)
        axes.plot([0, 1], [0, 1], color="#888888", linewidth=0.8, linestyle=":")
        axes.set(xlabel="score of the best class", ylabel="share that is right", xlim=(0, 1), ylim=(0, 1.04))
        return _svg(figure)


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="tight")
    figure.patch.set_alpha(0)
    axes = figure.subplots()
    axes.patch.set_alpha(0)
    return figure, axes


def _svg(figure: Figure) -> str:
    """The drawing alone, without the head of an XML file; what is of the ink's colour follows the page's.

    An SVG element without a colour is black whatever the page is, and matplotlib leaves black out.
    """
    text = io.StringIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the reader's browser has its own fonts
        figure.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    return svg.replace(_INK, "currentColor")


def _short(label: str, most: int = 18) -> str:
    plain = "".join(character if character.isprintable() else "?" for character in label).replace("$", r"\$")
    return plain if len(plain) <= most else plain[: most - 1] + "…"
