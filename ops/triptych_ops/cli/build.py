"""`triptych build`: weights -> a measured, published release."""

from pathlib import Path
from typing import Any, get_args

import click
from click.core import ParameterSource

from triptych_ops.release import Precision, Release, Store

from .options import json_option
from .output import Steps, print_json, say
from .preprocessing_options import preprocessing_options, require_consistent
from .release.show import measured
from .store_option import store_option

_FILE = click.Path(path_type=Path)


@click.command()
@click.option(
    "--architecture",
    metavar="NAME",
    help="Network: efficientnet_lite0, torchvision's name of a CNN (resnet50 …), or timm:NAME.  "
    "[default: that of config.json beside the weights, else efficientnet_lite0]",
)
@click.option(
    "--run", type=_FILE, metavar="RUN", help="Folder of `triptych train`: its network, labels and test images."
)
@click.option("--weights", type=_FILE, help="Safetensors or state dict.  [default: the network's own package]")
@click.option(
    "--weights-key",
    metavar="KEY",
    help="Which weights of a file that holds several (state_dict, state_dict_ema …).  "
    "[default: the only ones that fit, else the averaged ones]",
)
@click.option("--labels", type=_FILE, help="Text with a label a line, or a JSON list.  [default: the weights' own]")
@click.option(
    "--definition",
    metavar="NAME|FILE",
    help="Whose preprocessing: published weights (IMAGENET1K_V2, a timm tag) or a JSON file.  "
    "[default: the weights' own]",
)
@preprocessing_options
@click.option("--licence", metavar="NAME", help="Licence of the weights, for the manifest (SPDX name).")
@click.option("--precision", type=click.Choice(get_args(Precision)), default="fp32", show_default=True)
@click.option("--top-k", type=click.IntRange(min=1), help="Classes in an answer.  [default: 5, or all]")
@click.option(
    "--gate",
    "gate_images",
    type=_FILE,
    metavar="DIR",
    help="Images to compare served answers with torch's on.  [default: views of bundled photographs]",
)
@click.option(
    "--calibration",
    "calibration_images",
    type=_FILE,
    metavar="DIR",
    help="Images to calibrate int8 on; like those to be served, not those of the gate.  "
    "[default: other views of bundled photographs]",
)
@click.option(
    "--minimum-agreement",
    "top1_agreement_minimum",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Share of images whose top-1 class must be torch's.  [default: 1 for fp32, 0.99 for fp16, 0.98 for int8]",
)
@store_option
@json_option
def build(store: Store, as_json: bool, **choices: Any) -> None:
    """Build the next release: ONNX from real weights, measured against torch through the real server."""
    context = click.get_current_context()
    if choices["run"] and context.get_parameter_source("architecture") is ParameterSource.COMMANDLINE:
        raise click.UsageError("a run has its own network; leave --architecture out, or --run")
    require_consistent(**choices)
    made = build_release(store, **choices)
    if as_json:
        manifest = made.manifest.model_dump(
            mode="json", include={"parity", "calibration", "quality", "gpu", "training"}
        )
        print_json({"release": made.number, "location": made.location, **manifest})
        return
    click.echo(f"release {made.number} in {made.location}")
    for what, words in measured(made.manifest).items():
        say(f"  {what} {words}")


def build_release(store: Store, **choices: Any) -> Release:
    """Build what `builder.Recipe(**choices)` says, with progress on stderr.

    Raises:
        OpsError: it failed.
        ModuleNotFoundError: a package is not installed; the group of commands says which extra has it.
    """
    with Steps() as report:
        report("starting")
        from triptych_ops import builder

        return builder.build(store, builder.Recipe(**choices), report=report)
