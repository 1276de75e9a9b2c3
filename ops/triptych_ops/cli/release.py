"""`triptych release`: what the store holds."""

import click

from triptych_ops.errors import RefusedError
from triptych_ops.release import Manifest, Parity, Store

from . import failures
from .options import json_option
from .output import print_json, print_table, say, table
from .store_option import store_option

_MEBI = 1024 * 1024


@click.group()
def release() -> None:
    """List and show releases."""


@release.command("list")
@store_option
@json_option
@click.pass_context
def list_releases(context: click.Context, store: Store, as_json: bool) -> None:
    """List the store's releases, oldest first."""
    manifests: list[Manifest] = []
    refused: list[RefusedError] = []
    for number in store.numbers():
        try:
            manifests.append(store.release(number).manifest)
        except RefusedError as error:  # one bad release does not hide the others
            refused.append(error)
            say(f"triptych: {failures.line(error)}")
    if as_json:
        print_json({"releases": [_summary(manifest) for manifest in manifests]})
    elif manifests:
        _print_listing(manifests)
    elif not refused:
        say(f"the store {store.path} holds no release; run: triptych build")
    context.exit(failures.exit_code(refused[0]) if refused else failures.DONE)


def _print_listing(manifests: list[Manifest]) -> None:
    listing = table("release", "created", "architecture", "precision", "classes", "size", right=("release", "size"))
    for manifest in manifests:
        listing.add_row(
            str(manifest.number),
            f"{manifest.created_at:%Y-%m-%d %H:%M}",
            manifest.architecture,
            manifest.precision,
            str(manifest.classes),
            f"{manifest.size_bytes / 1e6:.1f} MB",
        )
    print_table(listing)


@release.command("show")
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
        "weights": f"{weights.file} of {weights.package} {weights.version}, {weights.licence}",
        "preprocessing": f"shorter side to {definition.resize} ({definition.interpolation}), "
        f"centre {definition.crop} x {definition.crop}",
        "accepts": f"{', '.join(definition.limits.formats)} up to {definition.limits.max_bytes / _MEBI:.0f} MiB, "
        f"{definition.limits.max_pixels / 1e6:.0f} megapixels",
        **measured(manifest.parity),
        "files": f"{len(manifest.files)}, {manifest.size_bytes / 1e6:.1f} MB",
        "golden": "\n".join(f"{golden.image}: {golden.predictions[0].label}" for golden in manifest.golden),
    }
    sheet = table(f"release {manifest.number}", "")
    for name, value in rows.items():
        sheet.add_row(name, value)
    print_table(sheet)


def measured(parity: Parity) -> dict[str, str]:
    """What a build measured, in words, under `logits` and `served`."""
    return {
        "logits": f"within {parity.logits_max_difference:.1g} of torch (at most {parity.logits_tolerance:g})",
        "served": f"same top-1 as torch on {parity.served_top1_agreement:.0%} of {parity.images} photographs, "
        f"probability within {parity.served_score_max_difference:.4f} (at most {parity.served_score_tolerance:g})",
    }


def _summary(manifest: Manifest) -> dict[str, object]:
    return {
        "release": manifest.number,
        "created_at": manifest.created_at.isoformat(),
        "architecture": manifest.architecture,
        "precision": manifest.precision,
        "classes": manifest.classes,
        "size_bytes": manifest.size_bytes,
    }


def _toolchain(manifest: Manifest) -> str:
    return ", ".join(
        f"{name} {manifest.toolchain[name]}" for name in ("triptych", "torch") if name in manifest.toolchain
    )
