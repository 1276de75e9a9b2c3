"""A run's network for others than Triton: one file, held to torch's answers on the run's own test images.

    onnx_file.py         plain ONNX, with labels and preprocessing in its metadata
    litert.py            LiteRT (TensorFlow Lite), converted by another Python, which has litert-torch
    litert_converter.py  what that Python runs; imports nothing of ours
    questions.py         what a file is asked, and what torch answers
    parity.py            the gate

All take PIXELS (N, S, S, 3) uint8, resized and cropped, and give LOGITS (N, C) float32; normalisation is inside.
"""

from .litert import write_litert
from .onnx_file import write_onnx
from .parity import Agreement

__all__ = ["Agreement", "write_litert", "write_onnx"]
