"""`triptych train`: a folder of labelled images -> a run."""

from pathlib import Path
from typing import Any, get_args

import click

from loadtests.sample_statistics import interval_words
from triptych_ops import export
from triptych_ops.training import Run, Settings, Shares, Split, open_dataset, presets, require_startable
from triptych_ops.training.settings import Augmentation, Balance, Optimizer, Schedule, Strategy

from .failures import missing_package
from .options import json_option
from .output import print_json, print_table, say, table
from .preprocessing_options import preprocessing_options, require_consistent
from .training_progress import TrainingProgress

_PATH = click.Path(path_type=Path)
_POSITIVE = click.FloatRange(0, min_open=True)


@click.command()
@click.argument("source", metavar="DIR", type=_PATH)
@click.option(
    "--out", type=_PATH, required=True, metavar="RUN", help="Folder of the run; where it was begun, it goes on."
)
@click.option(
    "--preset", type=click.Choice(tuple(presets.PRESETS)), help="Settings that go together; others change them."
)
@click.option(
    "--architecture",
    metavar="NAME",
    help="lenet5, alexnet, vgg16, resnet18 …, mobilenet_v3_small …, efficientnet_b0, efficientnet_lite0, "
    "vit_tiny_patch16_224, swin_tiny_patch4_window7_224, or any of torchvision's CNNs or timm:NAME.  "
    "[default: that of config.json beside the weights, else efficientnet_lite0]",
)
@click.option(
    "--weights", type=_PATH, help="Begin with a safetensors file or state dict.  [default: the network's own]"
)
@click.option("--weights-key", metavar="KEY", help="Which weights of a file that holds several: state_dict_ema …")
@click.option("--pretrained/--random", default=None, help="Begin with trained weights or with random ones.")
@preprocessing_options
@click.option(
    "--strategy", type=click.Choice(get_args(Strategy)), help="Train the head alone, all, or ever more layers."
)
@click.option("--epochs", type=click.IntRange(min=1))
@click.option(
    "--patience", type=click.IntRange(min=1), help="End after so many epochs without a lower validation loss."
)
@click.option("--batch-size", type=click.IntRange(min=2))
@click.option("--optimizer", type=click.Choice(get_args(Optimizer)))
@click.option("--learning-rate", type=_POSITIVE)
@click.option(
    "--backbone-rate", type=click.FloatRange(0, 1, min_open=True), help="Below the head, as a share of the head's."
)
@click.option("--weight-decay", type=click.FloatRange(0))
@click.option("--momentum", type=click.FloatRange(0, 1, max_open=True), help="Of sgd.")
@click.option("--schedule", type=click.Choice(get_args(Schedule)), help="Of the learning rate.")
@click.option("--warmup-epochs", type=click.IntRange(min=0))
@click.option("--step-epochs", type=click.IntRange(min=1), help="Of the schedule step: epochs between two decays.")
@click.option(
    "--step-gamma", type=click.FloatRange(0, 1, min_open=True), help="Of the schedule step: factor of a decay."
)
@click.option("--loss", metavar="NAME", help="cross-entropy, focal, or MODULE:NAME of your own.")
@click.option("--label-smoothing", type=click.FloatRange(0, 1, max_open=True), help="Of cross-entropy.")
@click.option("--focal-gamma", type=click.FloatRange(0))
@click.option("--teacher", metavar="RUN", type=_PATH, help="Imitate this run's network, too: distillation.")
@click.option("--teacher-weight", type=click.FloatRange(0, 1), help="Of its answers against the true classes.  [0.9]")
@click.option("--temperature", type=_POSITIVE, help="That softens both answers.  [4]")
@click.option(
    "--quantisation-aware",
    is_flag=True,
    default=None,
    help="Simulate int8 while training, so that it costs little; then: triptych build --run RUN --precision int8.",
)
@click.option("--balance", type=click.Choice(get_args(Balance)), help="Of rare classes: by their weight, or how often.")
@click.option("--augmentation", type=click.Choice(get_args(Augmentation)), help="Random views of the training images.")
@click.option("--mixed-precision/--full-precision", default=None, help="bfloat16 on a GPU.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1))
@click.option("--shares", default="6:2:2", show_default=True, help="Training, validation, test.")
@click.option("--split", "split_file", type=_PATH, help="Divide as this split.json does.")
@click.option("--threads", type=click.IntRange(min=1), help="Of torch.  [default: the cores]")
@click.option("--workers", type=click.IntRange(min=0), default=2, show_default=True, help="Decode large sets.")
@json_option
def train(
    source: Path,
    out: Path,
    preset: str | None,
    weights: Path | None,
    weights_key: str | None,
    teacher: Path | None,
    shares: str,
    split_file: Path | None,
    threads: int | None,
    workers: int,
    as_json: bool,
    **choices: Any,
) -> None:
    """Train a network on a folder that has a folder of images for each class; split, train, measure.

    The same command goes on where a killed one was, and ends with the same bits.
    """
    if weights and choices["pretrained"] is False:
        raise click.UsageError("--weights and --random say two things of how to begin; leave one out")
    if not teacher and (choices["teacher_weight"] is not None or choices["temperature"] is not None):
        raise click.UsageError("--teacher-weight and --temperature are of a teacher; name one by --teacher RUN")
    require_consistent(**choices)
    settings = _settings(preset, weights, **choices)
    dataset = open_dataset(source)
    # What can be refused at once is, before torch is imported.
    shared, split = Shares.parse(shares), Split.from_file(split_file) if split_file else None
    teaching = Run.load(teacher) if teacher else None
    require_startable(dataset, out, settings, weights=weights, weights_key=weights_key, teacher=teaching)
    try:
        from triptych_ops import training

        division = training.Division(shares=shared, split=split, source=str(split_file))
        with TrainingProgress(epochs=settings.epochs) as observer:
            run = training.train(
                dataset,
                out,
                settings,
                weights=weights,
                weights_key=weights_key,
                division=division,
                threads=threads,
                workers=workers,
                teacher=teaching,
                observer=observer,
            )
    except ModuleNotFoundError as error:
        raise missing_package(error, extra="train") from error
    _print(run, as_json=as_json)


def _settings(preset: str | None, weights: Path | None, **choices: Any) -> Settings:
    given = {name: value for name, value in choices.items() if value is not None}
    if weights:
        given.setdefault("pretrained", True)
        config, _ = export.read_hub_config(weights)
        if config and not preset:
            given.setdefault("architecture", config.title)
    if preset:
        basis = presets.PRESETS[preset]
    else:
        architecture = given.get("architecture", Settings().architecture)
        basis = presets.defaults(
            architecture=architecture, has_weights=given.get("pretrained", presets.packaged(architecture))
        )
    return Settings.model_validate(basis.model_dump() | given)


def _print(run: Run, *, as_json: bool) -> None:
    record = run.record
    if as_json:
        print_json({"run": str(run.path), **record.model_dump(mode="json", exclude={"schema_version"})})
        return
    figures = table("epoch", "loss", "accuracy", "validation loss", "validation accuracy", right=("epoch",))
    for epoch in record.epochs:
        figures.add_row(
            f"{epoch.epoch}{' *' if epoch.epoch == record.best_epoch else '  '}",
            f"{epoch.train_loss:.4f}",
            f"{epoch.train_accuracy:.2%}",
            f"{epoch.validation_loss:.4f}",
            f"{epoch.validation_accuracy:.2%}",
        )
    print_table(figures)
    accuracy, images = record.test_accuracy or 0.0, record.images["test"]
    certain = f"on {images} images ({interval_words(accuracy, images)})"
    click.echo(f"test accuracy {accuracy:.2%} {certain}, by epoch {record.best_epoch}")
    say(f"  {record.seconds:.0f} s, {record.cpu_seconds:.0f} s of CPU; the run is in {run.path}")
    say(f"  next: triptych evaluate {run.path}, triptych build --run {run.path}")
