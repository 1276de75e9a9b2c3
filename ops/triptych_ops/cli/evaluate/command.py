"""`triptych evaluate RUN`: figures, a report, and whether what is served is the same."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from loadtests.sample_statistics import CONFIDENCE, METHOD, interval_text
from triptych import Client
from triptych_ops.cli.features import DESCRIPTORS
from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import json_text, print_json, print_table, say, table
from triptych_ops.cli.store_option import store_option
from triptych_ops.cli.training_progress import TrainingProgress
from triptych_ops.errors import RefusedError, UsageError
from triptych_ops.release import Release, Store
from triptych_ops.training import PARTS, Dataset, Part, Run
from triptych_ops.training.files import write_whole

_LEAST_AGREEMENT = {"fp32": 1.0, "fp16": 0.99, "int8": 0.98}  # share of images, as a build's gate has it


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--part", type=click.Choice(PARTS), default="test", show_default=True, help="Of the run's split.")
@click.option("--images", type=click.Path(path_type=Path), help="Where the images lie.  [default: where they lay]")
@click.option(
    "--baseline",
    "descriptors",
    type=click.Choice((*DESCRIPTORS, "none")),
    multiple=True,
    default=("hog",),
    show_default=True,
    help="Features of the support vector machine beside the network; may be repeated.",
)
@click.option("--url", help="Ask this server, too: grpc://HOST:PORT or http://HOST:PORT.")
@click.option("--release", "number", metavar="N", help="Serve this release on loopback, and ask it, too.")
@store_option
@click.option(
    "--least-agreement",
    type=click.FloatRange(0, 1),
    help="Share of the images on which what is served must have the run's best class.  [default: 1, of int8 0.98]",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the report.  [default: RUN/evaluation]")
@json_option
def evaluate(
    folder: Path,
    part: Part,
    images: Path | None,
    descriptors: tuple[str, ...],
    url: str | None,
    number: str | None,
    store: Store,
    least_agreement: float | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Measure a run on images that it was not trained on, and write report.html, report.md and evaluation.json.

    With --url or --release the same images go through the server as well. Exit 4 where its answers are others.
    """
    if url and number:
        raise UsageError("--url names a server, --release starts one; give one of them")
    run = Run.load(folder)
    run.require_done()
    release = store.release(number) if number else None
    report_folder = out or folder / "evaluation"
    if report_folder.exists() and not report_folder.is_dir():
        raise UsageError(f"{report_folder} is no folder; name another with --out")
    if url:
        Client(url).close()  # an address that cannot be read is refused now, not after the network was measured
    dataset = run.part(part, source=images)
    document = _evaluate(run, part, dataset, _chosen(descriptors), url, release, report_folder)
    if as_json:
        print_json(document)
    else:
        _print(document)
    if document["served"]:
        precision = release.manifest.precision if release else "fp32"
        least = _LEAST_AGREEMENT[precision] if least_agreement is None else least_agreement
        _require_agreement(document["served"], least=least, images=len(dataset))


def _evaluate(
    run: Run,
    part: Part,
    dataset: Dataset,
    descriptors: tuple[str, ...],
    url: str | None,
    release: Release | None,
    out: Path,
) -> dict[str, Any]:
    from triptych_ops.training import report

    from . import offline, served

    with TrainingProgress(epochs=0) as progress:

        def counted(step: str, total: int) -> Callable[[int], None]:
            progress.step(step)
            return progress.counted(total)

        models = [offline.network(run, dataset, counted=counted)]
        if descriptors:
            models.append(offline.machine(run, dataset, descriptors, counted=counted))
        answered = None
        if url or release:
            progress.step("starting the server" if release else f"asking {url}")
            with served.serving(release) if release else nullcontext(str(url)) as address, Client(address) as client:
                model, answered = served.model(client, dataset, own=models[0], counted=counted)
            models.insert(0, model)
        findings = report.Findings(run.path.resolve().name, part, dataset, tuple(models), answered)
        progress.step("writing the report")
        page, document = report.compose(findings), report.document(findings)
        out.mkdir(parents=True, exist_ok=True)
        for name, text in (
            ("report.html", report.render(page, "html")),
            ("report.md", report.render(page, "md")),
            ("evaluation.json", json_text(document, indent=1) + "\n"),
        ):
            write_whole(out / name, text.encode("utf-8", "backslashreplace"))
    return {**document, "report": str(out / "report.html")}


def _chosen(descriptors: tuple[str, ...]) -> tuple[str, ...]:
    return () if "none" in descriptors else tuple(dict.fromkeys(descriptors))


def _print(document: dict[str, Any]) -> None:
    columns = ("model", "accuracy", f"{CONFIDENCE:.0%} interval", "mean F1", "p50 ms", "images/s")
    rows = table(*columns, right=columns[1:])
    for model in document["models"]:
        speed = model["speed"]
        rows.add_row(
            model["name"],
            f"{model['accuracy']:.2%}",
            interval_text(model["accuracy"], document["images"]),
            f"{model['macro_f1']:.4f}",
            f"{speed['p50_ms']:.1f}",
            f"{speed['images_per_s']:.0f}",
        )
    print_table(rows)
    say(
        f"  on {document['images']} images of the {document['part']} part, intervals by {METHOD}; "
        f"the report is {document['report']}"
    )


def _require_agreement(served: dict[str, Any], *, least: float, images: int) -> None:
    found = served["agreement"]
    if found["share"] < least:
        raise RefusedError(
            f"what is served has the run's best class on {found['share']:.2%} of {images} images, at least {least:.2%} "
            f"is accepted; the first that differs is {found['differing'][0]}"
        )
