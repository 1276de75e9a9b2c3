"""What can be refused before torch is imported, which takes seconds: names, files and folders of a recipe."""

from pathlib import Path

from triptych_ops import export, release
from triptych_ops.errors import MissingError, RefusedError, UsageError

from . import image_sets
from .recipe import Recipe
from .trained import TrainedRun

_LEAST_CLASSES = 2  # a release ranks them


def sources(recipe: Recipe, trained: TrainedRun | None) -> tuple[str, Path | None]:
    """Return the architecture and the file of weights; None: the file of the architecture's own package.

    Without `recipe.architecture` it is the run's, the one of `config.json` beside the weights, or the packaged one.

    Raises:
        MissingError: the architecture or a file is unknown.
        UsageError: the architecture needs a file, or options contradict each other.
        RefusedError: a file does not hold what it is given for.
    """
    weights = trained.run.weights_file if trained else recipe.weights
    if weights is None and recipe.weights_key is not None:
        raise UsageError("--weights-key names weights within a file; give the file with --weights, or leave it out")
    if weights:
        export.weights_format(weights)
    architecture = trained.record.architecture if trained else _architecture(recipe)
    export.find_architecture(architecture)
    export.weights_file(architecture, weights, None)
    if trained and not trained.record.images["test"]:
        raise RefusedError(
            f"{trained.run.path} has no test images to measure a release on; train with a split that has some"
        )
    if recipe.labels:
        labels = export.read_labels(recipe.labels)
        if len(labels) < _LEAST_CLASSES:
            raise RefusedError(f"{recipe.labels} names one class, which cannot be ranked; name at least two")
        release.check_labels(labels, top_k=recipe.top_k or 1)
    if recipe.definition:
        _require_definition(recipe.definition)
    return architecture, weights


def calibration_images(recipe: Recipe, trained: TrainedRun | None) -> image_sets.ImageSet | None:
    """Return the images of the user's folder to calibrate on; None: the run's, or views of bundled photographs.

    Raises:
        MissingError: there is no such folder, or no image in it.
        UsageError: the precision needs no calibration, or there are too few images for it.
    """
    if recipe.calibration_images is None:
        if trained and recipe.precision == "int8":
            _require_enough(trained.record.images["train"], f"training images in {trained.run.path}")
        return None
    if recipe.precision != "int8":
        raise UsageError(f"{recipe.precision} needs no calibration; leave --calibration out, or build --precision int8")
    images = image_sets.from_folder(recipe.calibration_images)
    _require_enough(len(images.paths), f"images in {recipe.calibration_images}")
    return image_sets.sample(images, most=image_sets.CALIBRATION_IMAGES)


def _architecture(recipe: Recipe) -> str:
    if recipe.architecture:
        return recipe.architecture
    config, _ = export.read_hub_config(recipe.weights) if recipe.weights else (None, None)
    return config.title if config else export.PACKAGED


def _require_definition(definition: str) -> None:
    """Check what is a file; names of published weights need torchvision or timm, and so torch, to be known."""
    path = Path(definition)
    if path.is_file():
        export.read_preprocessing(path)
    elif path.suffix == ".json":
        raise MissingError(f"there is no file {path}; name a JSON file of preprocessing that exists")


def _require_enough(count: int, what: str) -> None:
    if count < export.LEAST_CALIBRATION_IMAGES:
        raise UsageError(
            f"{count} {what} are too few to calibrate int8 on; give at least {export.LEAST_CALIBRATION_IMAGES} with "
            "--calibration DIR"
        )
