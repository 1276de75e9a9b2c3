"""What a network must beat: hand-made features and a support vector machine."""

from .svm import Baseline, fit

__all__ = ["Baseline", "fit"]
