"""`triptych build`: weights -> a measured, published release."""

import click

from triptych_ops.release import Release, Store

from .failures import missing_package
from .options import json_option
from .output import Steps, print_json, say
from .release.show import measured
from .store_option import store_option

_ARCHITECTURE = "efficientnet_lite0"  # light, and its weights come in a package
_TOP_K = 5  # as ImageNet's own second measure


@click.command()
@click.option("--architecture", default=_ARCHITECTURE, show_default=True, help="Which network.")
@click.option("--top-k", type=click.IntRange(min=1), default=_TOP_K, show_default=True, help="Classes in an answer.")
@store_option
@json_option
def build(architecture: str, top_k: int, store: Store, as_json: bool) -> None:
    """Build the next release: ONNX from real weights, measured against torch through the real server."""
    made = build_release(store, architecture=architecture, top_k=top_k)
    if as_json:
        manifest = made.manifest.model_dump(mode="json", include={"parity", "calibration", "quality", "gpu"})
        print_json({"release": made.number, "folder": str(made.folder), **manifest})
        return
    click.echo(f"release {made.number} in {made.folder}")
    for what, words in measured(made.manifest).items():
        say(f"  {what} {words}")


def build_release(store: Store, *, architecture: str = _ARCHITECTURE, top_k: int = _TOP_K) -> Release:
    """Build with progress on stderr.

    Raises:
        OpsError: it failed, or a package of the extra `build` is not installed.
    """
    with Steps() as report:
        report("starting torch")
        try:
            from triptych_ops import builder
        except ModuleNotFoundError as error:
            raise missing_package(error, extra="build") from error
        return builder.build(store, architecture=architecture, top_k=top_k, report=report)
