"""`triptych release show`."""

import click

from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import print_json, print_table, table
from triptych_ops.cli.store_option import store_option
from triptych_ops.release import ExportParity, Manifest, Quality, Store, WeightsSource

_MEBI = 1024 * 1024


@click.command("show")
@click.argument("number", type=click.IntRange(min=1), required=False)
@store_option
@json_option
def show_release(number: int | None, store: Store, as_json: bool) -> None:
    """Show release NUMBER, or the newest: where it comes from and how it was measured."""
    found = store.release(number)
    manifest = found.manifest
    if as_json:
        print_json(manifest.model_dump(mode="json") | {"folder": str(found.folder)})
        return
    weights, definition = manifest.weights, manifest.preprocessing
    rows = {
        "folder": str(found.folder),
        "created": f"{manifest.created_at.isoformat()} by {_toolchain(manifest)}",
        "network": f"{manifest.architecture}, {manifest.precision}, {manifest.classes} classes, top {manifest.top_k}",
        "weights": _weights(weights),
        "preprocessing": f"shorter side to {definition.resize} ({definition.interpolation}), "
        f"centre {definition.crop} x {definition.crop}",
        "accepts": f"{', '.join(definition.limits.formats)} up to {definition.limits.max_bytes / _MEBI:.0f} MiB, "
        f"{definition.limits.max_pixels / 1e6:.0f} megapixels",
        **measured(manifest),
        "files": f"{len(manifest.files)}, {manifest.size_bytes / 1e6:.1f} MB",
        "golden": "\n".join(f"{golden.image}: {golden.predictions[0].label}" for golden in manifest.golden),
    }
    sheet = table(f"release {manifest.number}", "")
    for name, value in rows.items():
        sheet.add_row(name, value)
    print_table(sheet)


def measured(manifest: Manifest) -> dict[str, str]:
    """What a build measured, in words, under `logits` and `served`."""
    return {"logits": _export(manifest.parity), "served": _served(manifest.quality)}


def _export(parity: ExportParity) -> str:
    return f"within {parity.logits_max_difference:.1g} of torch (at most {parity.tolerance:g})"


def _served(quality: Quality) -> str:
    bound = f", at most {quality.score_max_tolerance:g}" if quality.score_max_tolerance is not None else ""
    return (
        f"same top-1 as torch on {quality.top1_agreement:.1%} of {quality.images} images "
        f"(at least {quality.top1_agreement_minimum:.0%}), probability within {quality.score_max_difference:.4f}{bound}"
    )


def _toolchain(manifest: Manifest) -> str:
    return ", ".join(
        f"{name} {manifest.toolchain[name]}" for name in ("triptych", "torch") if name in manifest.toolchain
    )


def _weights(source: WeightsSource) -> str:
    package = f" of {source.package} {source.version}" if source.package else ""
    return f"{source.file}{package}, {source.licence or 'licence not stated'}"
