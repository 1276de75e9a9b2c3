"""`triptych build`: weights -> a measured, published release."""

import click

from triptych_ops.errors import OpsError
from triptych_ops.release import Release, Store

from .options import json_option
from .output import Steps, print_json, say
from .store_option import store_option


@click.command()
@click.option("--architecture", default="efficientnet_lite0", show_default=True, help="Which network.")
@click.option("--top-k", type=click.IntRange(min=1), default=5, show_default=True, help="Classes in an answer.")
@store_option
@json_option
def build(architecture: str, top_k: int, store: Store, as_json: bool) -> None:
    """Build the next release: ONNX from real weights, measured against torch through the real server."""
    made = build_release(store, architecture=architecture, top_k=top_k)
    if as_json:
        print_json({"release": made.number, "folder": str(made.folder), "parity": made.manifest.parity.model_dump()})
        return
    parity = made.manifest.parity
    click.echo(f"release {made.number} in {made.folder}")
    say(
        f"  logits within {parity.logits_max_difference:.1g} of torch (at most {parity.logits_tolerance:g}); served: "
        f"same top-1 on {parity.served_top1_agreement:.0%} of {parity.images} photographs, "
        f"probability within {parity.served_score_max_difference:.4f} (at most {parity.served_score_tolerance:g})"
    )


def build_release(store: Store, *, architecture: str = "efficientnet_lite0", top_k: int = 5) -> Release:
    """Build with progress on stderr.

    Raises:
        OpsError: it failed, or torch is not installed.
    """
    with Steps() as report:
        report("starting torch")
        try:
            from triptych_ops import builder
        except ModuleNotFoundError as error:
            raise OpsError(f"building needs {error.name}; run: pip install 'triptych[build]'") from error
        return builder.build(store, architecture=architecture, top_k=top_k, report=report)
