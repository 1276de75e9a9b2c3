"""What can be refused before torch is imported, which takes seconds: files, names and settings of a training."""

from pathlib import Path

from triptych_ops import export
from triptych_ops.errors import UsageError

from .data import Dataset
from .holding import require_usable
from .run import Run
from .settings import Settings

CROSS_ENTROPY, FOCAL = "cross-entropy", "focal"


def require_startable(
    dataset: Dataset,
    folder: Path,
    settings: Settings,
    *,
    weights: Path | None = None,
    weights_key: str | None = None,
    teacher: Run | None = None,
) -> None:
    """Check the arguments of `train` as far as names and files say.

    Raises:
        MissingError: an architecture or a file does not exist.
        UsageError: settings contradict each other, or the folder holds something else.
        RefusedError: the file of weights holds none, or the teacher's training is not done.
    """
    require_usable(folder)
    export.find_architecture(settings.architecture)
    run = Run(folder)
    is_done = run.record_file.is_file() and run.record.status == "done"
    if settings.pretrained and not is_done:
        export.weights_format(export.weights_file(settings.architecture, weights, None).path)
    if weights is None and weights_key is not None:
        raise UsageError("--weights-key names weights within a file; give the file with --weights, or leave it out")
    require_loss(settings, weighted=settings.balance == "weights")
    if teacher:
        require_teaches(teacher, dataset)


def require_loss(settings: Settings, *, weighted: bool) -> None:
    """Check that the loss has a name that can be looked up, and goes with the other settings.

    `weighted`: the classes have weights.

    Raises:
        UsageError: it does not.
    """
    if settings.loss == CROSS_ENTROPY:
        return
    if settings.label_smoothing:
        raise UsageError(f"label smoothing is of {CROSS_ENTROPY}; leave it out with the loss {settings.loss}")
    if settings.loss == FOCAL:
        return
    if weighted:
        raise UsageError(f"the loss {settings.loss} takes no class weights; balance by oversampling")
    _, colon, name = settings.loss.partition(":")
    if not colon or not name:
        raise UsageError(
            f"there is no loss {settings.loss!r}; choose {CROSS_ENTROPY}, {FOCAL} or MODULE:NAME of your own"
        )


def require_teaches(teacher: Run, dataset: Dataset) -> None:
    """Check that a run can teach a training on a dataset.

    Raises:
        RefusedError: its training is not done.
        UsageError: it knows other classes.
    """
    if teacher.require_done().classes != dataset.classes:
        raise UsageError(f"{teacher.path} knows other classes than {dataset.source}; name a teacher of the same ones")
