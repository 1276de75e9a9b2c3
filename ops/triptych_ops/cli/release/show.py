"""`triptych release show`."""

import click

from loadtests.sample_statistics import interval_words, percent
from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import Cell, print_json, print_table, table
from triptych_ops.cli.store_option import store_option
from triptych_ops.errors import RefusedError
from triptych_ops.release import (
    Calibration,
    ExportParity,
    GoldenAnswer,
    GpuForm,
    Manifest,
    Quality,
    Release,
    Store,
    Training,
    WeightsSource,
)

_MEBI = 1024 * 1024


@click.command("show")
@click.argument("ref", required=False)
@click.option("--card", "form", type=click.Choice(["md", "html"]), help="Print its model card: Markdown or HTML.")
@store_option
@json_option
def show_release(ref: str | None, form: str | None, store: Store, as_json: bool) -> None:
    """Show release REF, a number or an alias, or the newest: where it comes from and how it was measured."""
    if form and as_json:
        raise click.UsageError("--card and --json are two answers; give one of them")
    found = store.release(ref)
    if form:
        click.echo(_card(found, form), nl=False)
        return
    aliases = [alias for alias, number in store.aliases().items() if number == found.number]
    if as_json:
        place = {"location": found.location, "manifest_sha256": found.manifest_sha256, "aliases": aliases}
        print_json(found.manifest.model_dump(mode="json") | place)
        return
    sheet = table(f"release {found.number}", "")
    for name, value in _rows(found, aliases).items():
        sheet.add_row(name, value)
    print_table(sheet)


def measured(manifest: Manifest) -> dict[str, str]:
    """What a build measured, in words, under `logits`, `served`, and `accuracy` and `gpu` where they were."""
    words = {"logits": _export(manifest.parity), "served": _served(manifest.quality)}
    words |= {"accuracy": _accuracy(manifest.training)} if manifest.training else {}
    return words | ({"gpu": _gpu(manifest.gpu)} if manifest.gpu else {})


def _rows(release: Release, aliases: list[str]) -> dict[str, Cell]:
    manifest = release.manifest
    definition = manifest.preprocessing
    return {
        "location": release.location,
        **({"aliases": ", ".join(aliases)} if aliases else {}),
        "manifest sha256": release.manifest_sha256,
        "created": f"{manifest.created_at.isoformat()} by {_toolchain(manifest)}",
        "network": f"{manifest.architecture}, {manifest.precision}, {manifest.classes} classes, top {manifest.top_k}",
        "weights": _weights(manifest.weights),
        "definition": manifest.weights.definition,
        "preprocessing": f"{definition.resize_words} ({definition.interpolation}), "
        f"centre {definition.crop} x {definition.crop}",
        "accepts": f"{', '.join(definition.limits.formats)} up to {definition.limits.max_bytes / _MEBI:.0f} MiB, "
        f"{definition.limits.max_pixels / 1e6:.0f} megapixels",
        **({"calibration": _calibration(manifest.calibration)} if manifest.calibration else {}),
        **measured(manifest),
        "measured on": manifest.quality.source,
        "files": f"{len(manifest.files)}, {manifest.size_bytes / 1e6:.1f} MB",
        "golden": tuple(map(_golden, manifest.golden)),
    }


def _card(release: Release, form: str) -> str:
    from triptych_ops import card

    (known,) = (name for name in card.FORMS if name == form)
    return card.render(release.manifest, known, labels=_labels(release, card.labels_file(release.manifest)))


def _labels(release: Release, file: str | None) -> list[str]:
    if file is None:
        return []
    try:
        return release.read(file).decode("utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise RefusedError(
            f"{release.location}/{file} is not UTF-8: {error.reason} at byte {error.start}; build the release again"
        ) from error


def _calibration(calibration: Calibration) -> str:
    layers = len(calibration.float_layers)
    left = f"{layers} layer{'s' if layers != 1 else ''} left in float" if layers else "no layer left in float"
    return f"{calibration.images} images ({calibration.source}), {calibration.method}, {left}"


def _export(parity: ExportParity) -> str:
    return f"within {parity.logits_max_difference:.1g} of torch (at most {parity.logits_tolerance:g})"


def _served(quality: Quality) -> str:
    bound = f", at most {quality.score_max_tolerance:g}" if quality.score_max_tolerance is not None else ""
    bound += f" but for {quality.score_outliers:.0%} of them" if quality.score_outliers else ""
    return (
        f"same top-1 as torch on {percent(quality.top1_agreement)} of {quality.images} images "
        f"({interval_words(quality.top1_agreement, quality.images)}; at least "
        f"{percent(quality.top1_agreement_minimum)}), "
        f"probability within {quality.score_max_difference:.4f}{bound}, "
        f"{quality.score_mean_difference:.4f} in the mean (at most {quality.score_mean_tolerance:g})"
    )


def _accuracy(training: Training) -> str:
    return (
        f"{percent(training.served_accuracy)} served, {percent(training.offline_accuracy)} in torch, on "
        f"{training.test_images} test images of {training.dataset} "
        f"({interval_words(training.served_accuracy, training.test_images)}); trained on {training.train_images} others"
    )


def _gpu(form: GpuForm) -> str:
    agreement, bound = form.fp16_top1_agreement, f"at least {percent(form.top1_agreement_minimum)}"
    graph = ""
    if agreement is not None:
        graph = f"fp16 graph, same top-1 on {percent(agreement)} ({_interval(agreement, form.fp16_images)}; {bound}); "
    return (
        f"run on the CPU: DALI {form.dali} decodes within {form.pixels_mean_difference:.2g} of 255 in the mean, "
        f"same top-1 on {percent(form.decoded_top1_agreement)} of {form.images} images "
        f"({_interval(form.decoded_top1_agreement, form.images)}; {bound}); {graph}nothing measured on a GPU"
    )


def _interval(share: float, images: int) -> str:
    return interval_words(share, images) if images else "of no images"


def _golden(answer: GoldenAnswer) -> str:
    best = answer.predictions[0]
    return f"{answer.image}: {best.label} {best.score:.4f}"


def _toolchain(manifest: Manifest) -> str:
    return ", ".join(
        f"{name} {manifest.toolchain[name]}" for name in ("triptych", "torch") if name in manifest.toolchain
    )


def _weights(source: WeightsSource) -> str:
    package = f" of {source.package} {source.version}" if source.package else ""
    key = f" ({source.key})" if source.key else ""
    return f"{source.file}{key}{package}, {source.licence or 'licence not stated'}"
