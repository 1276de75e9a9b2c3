"""Weights -> ONNX, and the torch reference that every release is measured against.

Only this package imports torch. Forbidden inside: a running server, the layout of a release.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read when onnxruntime is imported, below

from .graph import TOLERANCE, ExportedGraph, export_graph
from .reference import Reference
from .weights import SOURCES, Weights, WeightsFile

__all__ = ["SOURCES", "TOLERANCE", "ExportedGraph", "Reference", "Weights", "WeightsFile", "export_graph"]
