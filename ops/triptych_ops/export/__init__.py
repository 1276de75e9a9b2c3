"""Weights -> ONNX, and the torch reference that every release is measured against.

Only this package imports torch. Forbidden inside: a running server, the layout of a release.
"""

from .graph import TOLERANCE, ExportedGraph, export_graph
from .reference import Reference
from .weights import SOURCES, Weights, WeightsFile

__all__ = ["SOURCES", "TOLERANCE", "ExportedGraph", "Reference", "Weights", "WeightsFile", "export_graph"]
