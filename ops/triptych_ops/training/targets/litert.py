"""LiteRT, as TensorFlow Lite is called now."""

import subprocess
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from triptych_ops import export
from triptych_ops.errors import MissingError, RefusedError, TimedOutError

from ..files import write_whole
from ..run import Run
from .parity import Agreement, agreement
from .questions import questions_of

CONVERTER_TIMEOUT_S: Final = 600.0
_SCRIPT = Path(__file__).with_name("litert_converter.py")


def write_litert(run: Run, path: Path, *, python: Path) -> Agreement:
    """Write the run's network as a .tflite file, for one image at a time.

    python: of an environment with litert-torch, which needs another torch and NumPy than ours

    Raises:
        MissingError: there is no such Python, or no litert-torch in it.
        MissingError, RefusedError: the run or its images are gone, or not what they were.
        RefusedError: it cannot be converted, or does not answer as torch.
        TimedOutError: the converter took longer than ten minutes.
        OSError: the file cannot be written; what was there stays.
    """
    asked = questions_of(run)
    with tempfile.TemporaryDirectory() as scratch:
        program, converted = Path(scratch) / "program.pt2", Path(scratch) / "model.tflite"
        export.write_program(asked.weights, program)
        _convert(python, program, converted)
        content = converted.read_bytes()
    found = agreement(_logits(content, asked.pixels, asked.expected.shape[1]), asked.expected, file=path.name)
    write_whole(path, content)
    return found


def _convert(python: Path, program: Path, converted: Path) -> None:
    command = [str(python.absolute()), "-I", str(_SCRIPT), str(program), str(converted)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=CONVERTER_TIMEOUT_S, check=False)
    except FileNotFoundError as error:
        raise MissingError(f"there is no Python at {python}; name one that has litert-torch") from error
    except subprocess.TimeoutExpired as error:
        raise TimedOutError(
            f"litert-torch was not done after {CONVERTER_TIMEOUT_S:g} s; try a smaller network"
        ) from error
    said = done.stderr.strip().splitlines() or ["nothing"]
    if "No module named" in said[-1]:
        raise MissingError(f"{python} has no litert-torch ({said[-1]}); run: {python} -m pip install litert-torch")
    if done.returncode != 0 or not converted.is_file():
        raise RefusedError(f"litert-torch cannot convert the network: {said[-1]}; export it to ONNX")


def _logits(content: bytes, pixels: NDArray[np.uint8], classes: int) -> NDArray[np.float32]:
    """LOGITS (N, C) by LiteRT's interpreter.

    Raises:
        RefusedError: the file is none of such a network.
    """
    try:
        interpreter = Interpreter(model_content=content)
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        raise RefusedError(f"LiteRT cannot read what litert-torch wrote: {error}; export it to ONNX") from error
    (taken,) = interpreter.get_input_details()
    # Embedding and logits may be of one length; the logits come first, as in the network.
    given = next(each for each in interpreter.get_output_details() if each["shape"][-1] == classes)
    found = []
    for image in pixels:
        interpreter.set_tensor(taken["index"], image[None])
        interpreter.invoke()
        found.append(interpreter.get_tensor(given["index"])[0])
    return np.stack(found)
