"""Weights -> ONNX, and the torch reference that every release is measured against.

Only this package imports torch, and only when a name that needs it is first used: `find_architecture` answers
at once. Forbidden inside: a running server, the layout of a release.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read when onnxruntime is imported, by the modules below
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # and timm: a build asks no network for weights

from .architectures import PACKAGED, Architecture, find_architecture

if TYPE_CHECKING:
    from .beginnings import Beginning, begin
    from .checkpoint import safetensors_bytes, write_safetensors
    from .dali_graph import available as dali_available
    from .dali_graph import serialise as serialise_dali
    from .dali_parity import DaliParity, measure_dali
    from .definition_files import read_hub_config, read_preprocessing
    from .graph import ExportedGraph, export_graph
    from .images import Images, decode
    from .labels import read_labels
    from .precision import LEAST_CALIBRATION_IMAGES, LoweredGraph, lower_precision
    from .program import write_program
    from .reference import Reference
    from .session import run as run_graph
    from .weights import Weights, load, with_preprocessing
    from .weights_files import WeightsFile, weights_file, weights_format

__all__ = [
    "LEAST_CALIBRATION_IMAGES",
    "PACKAGED",
    "Architecture",
    "Beginning",
    "DaliParity",
    "ExportedGraph",
    "Images",
    "LoweredGraph",
    "Reference",
    "Weights",
    "WeightsFile",
    "begin",
    "dali_available",
    "decode",
    "export_graph",
    "find_architecture",
    "load",
    "lower_precision",
    "measure_dali",
    "read_hub_config",
    "read_labels",
    "read_preprocessing",
    "run_graph",
    "safetensors_bytes",
    "serialise_dali",
    "weights_file",
    "weights_format",
    "with_preprocessing",
    "write_program",
    "write_safetensors",
]

# Public name -> module and its name there.
_PLACES = {
    "LEAST_CALIBRATION_IMAGES": ("precision", "LEAST_CALIBRATION_IMAGES"),
    "Beginning": ("beginnings", "Beginning"),
    "DaliParity": ("dali_parity", "DaliParity"),
    "ExportedGraph": ("graph", "ExportedGraph"),
    "Images": ("images", "Images"),
    "LoweredGraph": ("precision", "LoweredGraph"),
    "Reference": ("reference", "Reference"),
    "Weights": ("weights", "Weights"),
    "WeightsFile": ("weights_files", "WeightsFile"),
    "begin": ("beginnings", "begin"),
    "dali_available": ("dali_graph", "available"),
    "decode": ("images", "decode"),
    "export_graph": ("graph", "export_graph"),
    "load": ("weights", "load"),
    "with_preprocessing": ("weights", "with_preprocessing"),
    "lower_precision": ("precision", "lower_precision"),
    "measure_dali": ("dali_parity", "measure_dali"),
    "read_hub_config": ("definition_files", "read_hub_config"),
    "read_labels": ("labels", "read_labels"),
    "read_preprocessing": ("definition_files", "read_preprocessing"),
    "run_graph": ("session", "run"),
    "safetensors_bytes": ("checkpoint", "safetensors_bytes"),
    "serialise_dali": ("dali_graph", "serialise"),
    "weights_file": ("weights_files", "weights_file"),
    "weights_format": ("weights_files", "weights_format"),
    "write_program": ("program", "write_program"),
    "write_safetensors": ("checkpoint", "write_safetensors"),
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, own_name = _PLACES[name]
    return getattr(import_module(f".{module}", __name__), own_name)
