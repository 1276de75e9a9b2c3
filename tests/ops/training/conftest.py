"""Small real data sets, and runs of LeNet-5 that take a second."""

from pathlib import Path

import pytest

from ops.training.digits import LENET, write_digits
from triptych_ops import training
from triptych_ops.training import Run


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 pictures of each of four digits."""
    return write_digits(tmp_path_factory.mktemp("data") / "digits", each=30, classes=4)


@pytest.fixture(scope="session")
def run(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """LeNet-5, trained on them for three epochs."""
    folder = tmp_path_factory.mktemp("runs") / "lenet"
    return training.train(training.open_dataset(digits), folder, LENET, threads=1)
