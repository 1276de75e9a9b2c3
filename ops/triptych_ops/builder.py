"""Build a release: export, assemble, serve it for real, measure, publish. All or nothing."""

import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from importlib import metadata
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import gettempdir

import numpy as np

from triptych import Classification, Client

from . import export, parity, release, runtime
from .errors import MissingError
from .photographs import PHOTOGRAPHS, enlarged
from .scratch import scratch_folder

_TOOLCHAIN = ("triptych", "torch", "torchvision", "onnx", "onnxscript", "onnxruntime", "numpy", "pillow")


def build(store: release.Store, *, architecture: str, top_k: int, report: Callable[[str], None]) -> release.Release:
    """Build the store's next release of `architecture` and return it; `report` is told of each step.

    Raises:
        MissingError: the architecture is unknown.
        UsageError: `top_k` is not 1 to the number of classes.
        RefusedError: a parity gate did not hold. No release and no file is left behind.
    """
    if architecture not in export.SOURCES:
        raise MissingError(f"there is no architecture {architecture!r}; choose {', '.join(export.SOURCES)}")
    installation = runtime.find_installation(os.environ)
    number = store.next_number()
    with store.staging() as staged, scratch_folder(Path(gettempdir()), prefix="triptych-build-") as scratch:
        report(f"reading the weights of {architecture}")
        weights = export.SOURCES[architecture]()
        release.check_labels(weights.labels, top_k=top_k)
        reference = export.Reference(weights)
        bundled = [photograph.path for photograph in PHOTOGRAPHS]

        report("exporting to ONNX and comparing with torch")
        pixels = np.stack([reference.pixels(path) for path in bundled])  # (N, S, S, 3) uint8
        graph = export.export_graph(weights, staged / "model.onnx", pixels=pixels)

        report(f"assembling release {number}")
        assembly = _assembly(number, weights, reference, graph, top_k)
        release.assemble(assembly, staged / release.REPOSITORY)
        files = release.digests(staged)

        report("serving it and comparing its answers with torch")
        paths = [*bundled, enlarged(scratch)]
        copy_repository = partial(release.copy_repository, staged, files)
        with runtime.Server(installation, copy_repository, runtime.Ports.free()) as server:
            server.wait_ready()
            triton = runtime.server_version(server.ports.grpc_url)
            with Client(server.ports.grpc_url) as client:
                answers = [client.classify(path) for path in paths]
        served = parity.compare(answers, [reference.probabilities(path) for path in paths], weights.labels)
        parity.require(served)

        report(f"publishing release {number}")
        manifest = release.Manifest(
            number=number,
            created_at=datetime.now(UTC).replace(microsecond=0),
            architecture=weights.architecture,
            precision="fp32",
            classes=len(weights.labels),
            embedding_size=graph.embedding_size,
            top_k=top_k,
            weights=_weights_source(weights.file),
            preprocessing=weights.preprocessing,
            parity=release.Parity(
                images=len(paths),
                logits_max_difference=graph.logits_max_difference,
                embedding_max_difference=graph.embedding_max_difference,
                logits_tolerance=export.TOLERANCE,
                served_top1_agreement=served.top1_agreement,
                served_score_max_difference=served.score_max_difference,
                served_score_tolerance=parity.SCORE_TOLERANCE,
            ),
            golden=[_golden(path, answer) for path, answer in zip(bundled, answers, strict=False)],
            toolchain={package: metadata.version(package) for package in _TOOLCHAIN} | {"tritonserver": triton},
            git_commit=_git_commit(),
            files=files,
        )
        return store.publish(staged, manifest)


def _assembly(
    number: int, weights: export.Weights, reference: export.Reference, graph: export.ExportedGraph, top_k: int
) -> release.Assembly:
    with as_file(files("triptych") / "health.jpg") as image:
        health = reference.probabilities(image)
    return release.Assembly(
        number=number,
        graph=graph.path,
        labels=weights.labels,
        embedding_size=graph.embedding_size,
        top_k=top_k,
        preprocessing=weights.preprocessing,
        health_class_id=int(health.argmax()),
        health_score=float(health.max()),
    )


def _weights_source(file: export.WeightsFile) -> release.WeightsSource:
    return release.WeightsSource(
        package=file.package,
        version=file.version,
        file=file.path.name,
        sha256=release.digest(file.path).sha256,
        licence=file.licence,
    )


def _golden(path: Path, answer: Classification) -> release.GoldenAnswer:
    return release.GoldenAnswer(
        image=path.name,
        sha256=release.digest(path).sha256,
        predictions=[
            release.GoldenPrediction(class_id=item.class_id, label=item.label, score=item.score)
            for item in answer.predictions
        ],
    )


def _git_commit() -> str | None:
    """The commit of the checkout that this package is run from, `-dirty` where files differ from it."""
    git = ["git", "-C", str(Path(__file__).parent)]
    try:
        # Only where git tracks this very file: a virtual environment may lie in somebody else's checkout.
        subprocess.run([*git, "ls-files", "--error-unmatch", Path(__file__).name], capture_output=True, check=True)
        described = subprocess.run(
            [*git, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return described.stdout.strip()
