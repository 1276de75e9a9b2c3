"""A teacher: a run whose answers another training imitates."""

import hashlib

import numpy as np
import torch

from .data import Dataset
from .model import load_model, probabilities
from .observer import Observer
from .preflight import require_teaches
from .run import Run


def digest_of(teacher: Run, dataset: Dataset) -> str:
    """Which network a teacher is: the SHA-256 of its weights.

    Raises:
        RefusedError: its training is not done.
        UsageError: it knows other classes.
    """
    require_teaches(teacher, dataset)
    return hashlib.sha256(teacher.weights_file.read_bytes()).hexdigest()


def taught_by(teacher: Run, part: Dataset, observer: Observer) -> torch.Tensor:
    """A teacher's answers (N, C) to whole images, by its own preprocessing: logits but for a constant a row."""
    observer.step(f"asking {teacher.path} about {len(part)} images")
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        observer.advance(done, len(part))

    found = probabilities(load_model(teacher), part, advance=advance)
    return torch.from_numpy(np.log(np.maximum(found, np.finfo(np.float32).tiny)))
