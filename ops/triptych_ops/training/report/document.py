"""Findings -> JSON for programs."""

from dataclasses import asdict
from typing import Any

from loadtests.sample_statistics import CONFIDENCE, METHOD, share_interval

from ..evaluate import Evaluation
from .findings import Findings, Model


def document(findings: Findings) -> dict[str, Any]:
    """All figures, without curves and single images; the subject is the first of `models`."""
    return {
        "run": findings.run,
        "part": findings.part,
        "images": len(findings.dataset),
        "classes": list(findings.dataset.classes),
        "models": [_model(model) for model in findings.models],
        "served": asdict(findings.served) if findings.served else None,
    }


def _model(model: Model) -> dict[str, Any]:
    figures = _figures(model.evaluation)
    if not model.probabilities:
        figures["calibration_error"] = None
    return {"name": model.name, **figures, "speed": asdict(model.speed) if model.speed else None}


def _figures(evaluation: Evaluation) -> dict[str, Any]:
    interval = share_interval(round(evaluation.accuracy * evaluation.images), evaluation.images)
    return {
        "accuracy": evaluation.accuracy,
        "accuracy_interval": {"method": METHOD, "confidence": CONFIDENCE, "low": interval.low, "high": interval.high},
        "top_k": {str(k): share for k, share in evaluation.top_k.items()},
        "macro_f1": evaluation.macro_f1,
        "balanced_accuracy": evaluation.macro_recall,
        "calibration_error": evaluation.calibration.error,
        "confusion": evaluation.confusion.tolist(),
        "per_class": [
            {
                "label": each.label,
                "images": each.images,
                "precision": each.precision,
                "recall": each.recall,
                "f1": each.f1,
                "average_precision": each.precision_recall.area if each.precision_recall else None,
                "roc_auc": each.roc.area if each.roc else None,
            }
            for each in evaluation.classes
        ],
    }
