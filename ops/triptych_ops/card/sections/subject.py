"""What the release is: its use, its weights, what it does to a picture, how it calculates."""

from triptych import contract
from triptych_ops.card import figures
from triptych_ops.card.blocks import Block, Code, Paragraph, Section, Table, Text
from triptych_ops.card.locations import gpu_graph
from triptych_ops.preprocessing import Preprocessing
from triptych_ops.release import Calibration, Manifest, Precision, Training

_PROPERTIES = ("Property", "Value")
_ARITHMETIC: dict[Precision, str] = {
    "fp32": "32-bit floating point.",
    "fp16": "16-bit floating point, lowered from 32-bit when the release was built.",
    "int8": "8-bit integers, quantised from 32-bit floating point when the release was built.",
}


def intended_use(manifest: Manifest) -> Section:
    """What it takes and what it answers."""
    limits = manifest.preprocessing.limits
    return Section(
        "use",
        "Intended use",
        (
            Paragraph(
                (
                    "For each image of a request, the ensemble ",
                    Code(contract.MODEL_NAME),
                    f" gives the {figures.count(manifest.top_k)} likeliest of {figures.count(manifest.classes)} "
                    "classes with their probabilities, best first. An image that cannot be classified says why in ",
                    Code(contract.ERROR),
                    " and leaves the others of its request untouched.",
                )
            ),
            Table("Tensors; N is the number of images in the request", _TENSOR_COLUMNS, _tensors(manifest)),
            Table(
                "Images that it accepts",
                _PROPERTIES,
                (
                    ("Formats", ", ".join(limits.formats)),
                    (
                        "Largest file",
                        f"{figures.mebibytes(limits.max_bytes)} ({figures.count(limits.max_bytes)} bytes)",
                    ),
                    ("Largest picture", f"{figures.count(limits.max_pixels)} pixels"),
                ),
            ),
        ),
    )


_TENSOR_COLUMNS = ("Tensor", "Direction", "Type", "Shape", "Meaning")


def _tensors(manifest: Manifest) -> tuple[tuple[Text, ...], ...]:
    one, best = Code("[N, 1]"), Code(f"[N, {manifest.top_k}]")
    meanings = {
        contract.IMAGE: (one, "one encoded image, any size within the limits below"),
        contract.CLASS_ID: (best, "best first; -1 where the image failed"),
        contract.SCORE: (best, "softmax probability"),
        contract.LABEL: (best, "UTF-8"),
        contract.ERROR: (one, "empty, or the reason why this image failed"),
        contract.EMBEDDING: (
            Code(f"[N, {manifest.embedding_size}]"),
            "penultimate features, computed only when asked for",
        ),
    }
    directions = (("in", contract.INPUTS), ("out", contract.OUTPUTS))
    return tuple(
        (Code(name), direction, Code(datatype), *meanings[name])
        for direction, tensors in directions
        for name, datatype in tensors.items()
    )


def weights(manifest: Manifest) -> Section:
    """Where the weights come from, and under which licence."""
    source = manifest.weights
    package: Text = "none: a file of the builder's own"
    if source.package is not None:
        package = (Code(source.package), f" {source.version}" if source.version is not None else "")
    elif manifest.training is not None:
        package = "none: trained by Triptych"
    return Section(
        "weights",
        "Weights",
        (
            Table(
                "Source of the weights",
                _PROPERTIES,
                (
                    ("Network", manifest.architecture),
                    ("File", Code(source.file)),
                    ("SHA-256", Code(source.sha256)),
                    ("Package", package),
                    ("Licence", source.licence or "not stated"),
                    ("Preprocessing defined by", Code(source.definition)),
                    ("Embedding", f"{figures.count(manifest.embedding_size)} numbers, the penultimate features"),
                ),
            ),
            *((_training(manifest.training),) if manifest.training else ()),
        ),
    )


def _training(training: Training) -> Table:
    began: Text = "random weights" if training.pretrained is None else Code(training.pretrained)
    return Table(
        "Training of the weights",
        _PROPERTIES,
        (
            ("Data set", training.dataset),
            (
                "Images",
                f"{figures.count(training.train_images)} trained on, {figures.count(training.test_images)} tested on",
            ),
            ("SHA-256 of the split", Code(training.split_sha256)),
            ("Began with", began),
            ("Layers trained", training.strategy),
            ("Epochs", f"{figures.count(training.epochs)}; the weights are those after epoch {training.best_epoch}"),
        ),
    )


def preprocessing(definition: Preprocessing) -> Section:
    """What happens to a picture before the network sees it."""
    return Section(
        "preprocessing",
        "Preprocessing",
        (
            Paragraph(
                "One definition makes the torch reference and what the server does, in this order. "
                "It is part of the release; callers send their images as they are."
            ),
            Table(
                "Steps",
                ("Step", "Value"),
                (
                    ("Resize", f"{definition.resize_words}, {definition.interpolation}"),
                    ("Crop", f"centre, {figures.count(definition.crop)} x {figures.count(definition.crop)} pixels"),
                    ("Scale", "each channel divided by 255"),
                    ("Subtract the mean (R, G, B)", _constants(definition.mean)),
                    ("Divide by the deviation (R, G, B)", _constants(definition.std)),
                ),
            ),
        ),
    )


def _constants(values: list[float]) -> str:
    return ", ".join(map(figures.constant, values))


def precision(manifest: Manifest) -> Section:
    """How it calculates, and how an int8 graph came about."""
    blocks: list[Block] = [Paragraph((Code(manifest.precision), f": {_ARITHMETIC[manifest.precision]}"))]
    if manifest.calibration is not None:
        blocks.append(_calibration(manifest.calibration))
    elif manifest.precision == "int8":
        blocks.append(Paragraph("The manifest does not say on which images it was calibrated."))
    graph = gpu_graph(manifest)
    if graph is not None:
        blocks.append(Paragraph(("The GPU form runs a graph of its own, ", Code(graph), ".")))
    return Section("precision", "Precision", tuple(blocks))


def _calibration(calibration: Calibration) -> Table:
    number = figures.count(len(calibration.float_layers))
    return Table(
        "Calibration",
        _PROPERTIES,
        (
            ("Images", figures.count(calibration.images)),
            ("Source of the images", calibration.source),
            ("Method", calibration.method),
            ("Layers left in floating point", number),
            *((("Which layers", _names(calibration.float_layers)),) if calibration.float_layers else ()),
        ),
    )


def _names(layers: list[str]) -> Text:
    return tuple(run for layer in layers for run in (", ", Code(layer)))[1:]
