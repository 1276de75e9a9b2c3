"""The steps of a build, in their order."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import gettempdir

import numpy as np
from numpy.typing import NDArray

from loadtests.sample_statistics import interval_words, percent
from triptych_ops import export, release, runtime
from triptych_ops.errors import RefusedError, UsageError
from triptych_ops.photographs import PHOTOGRAPHS
from triptych_ops.scratch import scratch_folder

from . import evidence, gpu_form, image_sets, preflight, quality
from .checkout import git_commit
from .recipe import TOP_K, Recipe
from .served import serve_once
from .trained import TrainedRun, measure_accuracy, require_accuracy


def build(store: release.Store, recipe: Recipe, *, report: Callable[[str], None]) -> release.Release:
    """Build the store's next release and return it; `report` is told of each step.

    Raises:
        MissingError: the architecture, a file or a folder is unknown.
        UsageError: what was named cannot be used, or `top_k` is not 1 to the number of classes.
        RefusedError: a gate did not hold. No release and no file is left behind.
    """
    # What can be refused at once is, before torch is loaded.
    trained = _trained(recipe)
    architecture, weights_path = preflight.sources(recipe, trained)
    gate_images = image_sets.from_folder(recipe.gate_images) if recipe.gate_images else None
    calibration_images = preflight.calibration_images(recipe, trained)
    installation = runtime.find_installation(os.environ)
    number = store.next_number()
    with ExitStack() as stack:
        staged = stack.enter_context(store.staging())
        scratch = stack.enter_context(scratch_folder(Path(gettempdir()), prefix="triptych-build-"))

        report(f"reading the weights of {architecture}")
        weights = export.load(
            architecture,
            weights=weights_path,
            key=recipe.weights_key,
            labels=recipe.labels,
            definition=recipe.definition,
            licence=recipe.licence,
        )
        weights = export.with_preprocessing(
            weights,
            crop=recipe.image_size,
            resize=recipe.resize,
            crop_pct=recipe.crop_pct,
            interpolation=recipe.interpolation,
        )
        for note in weights.notes:
            report(f"note: {note}")
        top_k = recipe.top_k or min(TOP_K, len(weights.labels))
        release.check_labels(weights.labels, top_k=top_k)
        reference = export.Reference(weights)
        golden = [photograph.path for photograph in PHOTOGRAPHS]

        true_classes: list[int] = []
        if trained:
            measuring, true_classes = trained.test_images(scratch)
        else:
            measuring = gate_images or image_sets.for_gate(scratch)
        report(f"computing what torch answers to {len(measuring.paths)} images")
        expected = reference.probabilities(measuring.paths)
        quality.require_finite(expected, weights.architecture)
        if gate_images is None and trained is None:
            measuring, expected = image_sets.decided(measuring, expected)
        if len(measuring.paths) < image_sets.FEW:
            share = 1 / len(measuring.paths)
            report(f"note: the gate has {len(measuring.paths)} images, so each is {share:.0%} of the figure")

        report("exporting to ONNX and comparing with torch")
        exported = export.export_graph(weights, scratch / "fp32.onnx", pixels=reference.stack(golden))
        graph, calibration = exported.path, None
        views = trained.gpu_form_images(scratch) if trained else image_sets.for_gpu_form(scratch)
        if recipe.precision == "int8":
            images = calibration_images or (
                trained.calibration_images(scratch) if trained else image_sets.for_calibration(scratch)
            )
            report(f"quantising to int8 with {len(images.paths)} images")
            lowered = export.lower_precision(
                exported.path,
                scratch / "int8.onnx",
                precision="int8",
                calibration=reference.stack(images.paths),
                tie=image_sets.UNDECIDED,
            )
            graph, calibration = lowered.path, evidence.calibration(lowered, images)
        elif recipe.precision == "fp16":
            report("rounding to fp16")
            pixels = reference.stack(views)
            graph = export.lower_precision(
                exported.path, scratch / "fp16.onnx", precision="fp16", calibration=pixels
            ).path
        gpu = None
        if export.dali_available():
            report("preparing the GPU form")
            float_graph = None if recipe.precision == "fp16" else exported.path
            try:
                gpu = gpu_form.prepare(scratch, weights, reference, served=graph, float_graph=float_graph, images=views)
            except RefusedError as error:
                # DALI enlarges small pictures, which people do train on, otherwise than torchvision.
                if trained is None:
                    raise
                report(f"note: the release has no form for GPUs: {error}")

        report(f"assembling release {number}")
        with as_file(files("triptych") / "health.jpg") as image:
            health_class_id, health_score = _known_answer(graph, reference.pixels(image))
        assembly = release.Assembly(
            number=number,
            graph=graph,
            labels=weights.labels,
            embedding_size=exported.embedding_size,
            top_k=top_k,
            preprocessing=weights.preprocessing,
            health_class_id=health_class_id,
            health_score=health_score,
            gpu=gpu.parts if gpu else None,
        )
        release.assemble(assembly, staged / release.REPOSITORY)
        digests = release.digests(staged)

        report(f"serving it and comparing its answers with torch on {len(measuring.paths)} images")
        copy_repository = partial(release.copy_repository, staged, digests)
        served = serve_once(installation, copy_repository, golden=golden, measured=measuring.paths)
        measured = quality.measure(served.measured, expected, weights.labels)
        gate = quality.GATES[recipe.precision].with_minimum(recipe.top1_agreement_minimum)
        if trained:
            gate = gate.for_own_images()
        quality.require(measured, gate, [str(path) for path in measuring.paths])
        training = measure_accuracy(trained, served.measured, expected, true_classes) if trained else None
        if training:
            accuracy, offline = training.served_accuracy, training.offline_accuracy
            certain = f"{training.test_images} images ({interval_words(accuracy, training.test_images)})"
            report(f"served accuracy {percent(accuracy)}, offline {percent(offline)}, of {certain}")
            ties = len(measured.disagreements) - len(measured.beyond(gate.tie))
            require_accuracy(training, precision=recipe.precision, ties=ties)

        report(f"publishing release {number}")
        manifest = release.Manifest(
            number=number,
            created_at=datetime.now(UTC).replace(microsecond=0),
            architecture=weights.architecture,
            precision=recipe.precision,
            classes=len(weights.labels),
            embedding_size=exported.embedding_size,
            top_k=top_k,
            weights=evidence.weights_source(weights),
            preprocessing=weights.preprocessing,
            parity=evidence.export_parity(exported),
            calibration=calibration,
            quality=evidence.quality(measured, gate, measuring),
            gpu=gpu.measured if gpu else None,
            training=training,
            golden=evidence.golden(golden, served.golden),
            toolchain=evidence.toolchain() | {"tritonserver": served.triton},
            git_commit=git_commit(),
            files=digests,
        )
        return store.publish(staged, manifest)


def _trained(recipe: Recipe) -> TrainedRun | None:
    if recipe.run is None:
        return None
    for flag, given in (
        ("--weights", recipe.weights),
        ("--weights-key", recipe.weights_key),
        ("--labels", recipe.labels),
        ("--definition", recipe.definition),
        ("--image-size", recipe.image_size),
        ("--resize", recipe.resize),
        ("--crop-pct", recipe.crop_pct),
        ("--interpolation", recipe.interpolation),
        ("--gate", recipe.gate_images),
    ):
        if given is not None:
            raise UsageError(f"a run brings its own; leave {flag} out, or --run")
    return TrainedRun.load(recipe.run)


def _known_answer(graph: Path, pixels: NDArray[np.uint8]) -> tuple[int, float]:
    """Best class and its probability that the graph itself gives outside of the server, for one image (S, S, 3).

    Of a float graph this is torch's answer, as the export's gate made sure; at lower precision it is not.
    """
    logits = export.run_graph(graph, pixels[np.newaxis])[0][0].astype(np.float64)  # (C,)
    exponentials = np.exp(logits - logits.max())
    return int(logits.argmax()), float(exponentials.max() / exponentials.sum())
