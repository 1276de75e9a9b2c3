"""`triptych train`: a folder of labelled images -> a run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from loadtests.sample_statistics import interval_words
from triptych_ops import export
from triptych_ops.training import Run, Settings, Shares, Split, open_dataset, presets, require_startable
from triptych_ops.training.data.structure import Layout
from triptych_ops.training.settings import Augmentation, Balance, Optimizer, Schedule, Strategy
from triptych_ops.training.times import Stopwatch

from .options import json_option, layout_option
from .output import print_json, print_table, say, table
from .preprocessing_options import preprocessing_options, require_consistent
from .stopping import Interrupted, same_command
from .training_progress import TrainingProgress

_PATH = click.Path(path_type=Path)
_POSITIVE = click.FloatRange(0, min_open=True)
_SHARES = ":".join(f"{share:g}" for share in Shares())
_F = TypeVar("_F", bound=Callable[..., Any])


def _setting(flag: str, *, default_text: str | None = None, help: str, **more: Any) -> Callable[[_F], _F]:  # noqa: A002
    """Make the option of a field of `Settings`; its help shows the default, of which `_settings` knows two at most."""
    text = default_text or _default_text(flag.removeprefix("--").replace("-", "_"))
    return click.option(flag, default=None, help=f"{help}  [default: {text}]", **more)


def _default_text(name: str) -> str:
    """Describe the default of a field: with trained weights, and with random ones where that differs."""
    architecture = Settings().architecture
    trained, random = (
        getattr(presets.defaults(architecture=architecture, has_weights=has_weights), name)
        for has_weights in (True, False)
    )
    trained, random = (
        {True: "on", False: "off"}.get(value, value) if isinstance(value, bool) else value
        for value in (trained, random)
    )
    shown = [f"{value:g}" if isinstance(value, float) else str(value) for value in (trained, random)]
    return shown[0] if shown[0] == shown[1] else f"{shown[0]}; with random weights {shown[1]}"


@click.command()
@click.argument("source", metavar="DIR", type=_PATH)
@click.option(
    "--out", type=_PATH, required=True, metavar="RUN", help="Folder of the run; where it was begun, it goes on."
)
@click.option(
    "--preset", type=click.Choice(tuple(presets.PRESETS)), help="Settings that go together; others change them."
)
@_setting(
    "--architecture",
    metavar="NAME",
    default_text=f"that of config.json beside the weights, else {Settings().architecture}",
    help="lenet5, alexnet, vgg16, resnet18 …, mobilenet_v3_small …, efficientnet_b0, efficientnet_lite0, "
    "vit_tiny_patch16_224, swin_tiny_patch4_window7_224, or any of torchvision's CNNs or timm:NAME.",
)
@click.option(
    "--weights", type=_PATH, help="Begin with a safetensors file or state dict.  [default: the network's own]"
)
@click.option(
    "--weights-key",
    metavar="KEY",
    help="Name the weights of a file with several, such as state_dict.  [default: averaged ones, where it has any]",
)
@_setting(
    "--pretrained/--random",
    default_text="pretrained where the architecture's weights come in a package, or with --weights",
    help="Begin with trained weights or with random ones.",
)
@preprocessing_options
@_setting("--strategy", type=click.Choice(get_args(Strategy)), help="Train the head alone, all, or ever more layers.")
@_setting("--epochs", type=click.IntRange(min=1), help="Passes over the training images.")
@_setting(
    "--patience",
    type=click.IntRange(min=1),
    default_text="never",
    help="End after so many epochs without a lower validation loss.",
)
@_setting("--batch-size", type=click.IntRange(min=2), help="Images of one step.")
@_setting("--optimizer", type=click.Choice(get_args(Optimizer)), help="That changes the weights.")
@_setting("--learning-rate", type=_POSITIVE, help="Of the head, at its highest.")
@_setting(
    "--backbone-rate", type=click.FloatRange(0, 1, min_open=True), help="Below the head, as a share of the head's."
)
@_setting("--weight-decay", type=click.FloatRange(0), help="Share of the weights that a step takes away.")
@_setting("--momentum", type=click.FloatRange(0, 1, max_open=True), help="Of sgd.")
@_setting("--schedule", type=click.Choice(get_args(Schedule)), help="Of the learning rate.")
@_setting("--warmup-epochs", type=click.IntRange(min=0), help="In which the learning rate rises.")
@_setting("--step-epochs", type=click.IntRange(min=1), help="Of the schedule step: epochs between two decays.")
@_setting("--step-gamma", type=click.FloatRange(0, 1, min_open=True), help="Of the schedule step: factor of a decay.")
@_setting("--loss", metavar="NAME", help="cross-entropy, focal, or MODULE:NAME of your own.")
@_setting("--label-smoothing", type=click.FloatRange(0, 1, max_open=True), help="Of cross-entropy.")
@_setting("--focal-gamma", type=click.FloatRange(0), help="Of the focal loss.")
@click.option("--teacher", metavar="RUN", type=_PATH, help="Imitate this run's network, too: distillation.")
@_setting("--teacher-weight", type=click.FloatRange(0, 1), help="Of its answers against the true classes.")
@_setting("--temperature", type=_POSITIVE, help="That softens both answers.")
@_setting(
    "--quantisation-aware",
    is_flag=True,
    help="Simulate int8 while training, so that it costs little; then: triptych build --run RUN --precision int8.",
)
@_setting("--balance", type=click.Choice(get_args(Balance)), help="Of rare classes: by their weight, or how often.")
@_setting("--augmentation", type=click.Choice(get_args(Augmentation)), help="Random views of the training images.")
@_setting("--mixed-precision/--full-precision", default_text="full", help="bfloat16 on a GPU.")
@_setting("--seed", type=click.IntRange(0, 2**32 - 1), help="Of all that is random.")
@layout_option
@click.option(
    "--shares",
    default=_SHARES,
    show_default=True,
    help="Training, validation, test; of images that are not divided already.",
)
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
    layout: Layout,
    shares: str,
    split_file: Path | None,
    threads: int | None,
    workers: int,
    as_json: bool,
    **choices: Any,
) -> None:
    """Train a network on a folder that has a folder of images for each class; split, train, measure.

    Folders train/, val/ and test/ with such folders in them are the split. The same command goes on where a killed one
    was, and ends with the same bits; on a finished run it shows the figures again.
    """
    if weights and choices["pretrained"] is False:
        raise click.UsageError("--weights and --random say two things of how to begin; leave one out")
    if not teacher and (choices["teacher_weight"] is not None or choices["temperature"] is not None):
        raise click.UsageError("--teacher-weight and --temperature are of a teacher; name one by --teacher RUN")
    require_consistent(**choices)
    settings = _settings(preset, weights, **choices)
    stopwatch = Stopwatch()
    dataset = open_dataset(source, layout)
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
                stopwatch=stopwatch,
            )
    except KeyboardInterrupt as error:
        raise Interrupted(_going_on(out)) from error
    except SystemExit:  # by SIGTERM, which has said its line
        say(f"  {_going_on(out)}")
        raise
    _print(run, as_json=as_json)


def _going_on(out: Path) -> str:
    """Say what is done of a training that was stopped, and which command goes on."""
    run = Run(out)
    if not run.record_file.is_file():
        return f"nothing is trained yet; to begin again: {same_command()}"
    record = run.record
    return f"{len(record.epochs)} of {record.settings.epochs} epochs are done; to go on: {same_command()}"


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
