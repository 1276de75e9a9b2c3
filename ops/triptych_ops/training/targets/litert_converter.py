"""`PYTHON litert_converter.py PROGRAM.pt2 FILE.tflite`, by a Python that has litert-torch. Imports nothing of ours."""

import sys

import litert_torch
import torch

program = torch.export.load(sys.argv[1])
sample, _ = program.example_inputs
litert_torch.convert(program.module(), tuple(sample)).export(sys.argv[2])
