from pathlib import Path

import pytest

import releases
from triptych_ops import triton_config
from triptych_ops.runtime import Sizing


@pytest.mark.parametrize(
    ("cores", "preprocess", "classifier", "threads", "lone_threads", "postprocess"),
    [
        (1, 1, 1, 1, 1, 1),
        (2, 1, 2, 1, 2, 1),
        (3, 2, 3, 1, 3, 1),
        (8, 4, 8, 1, 4, 1),
        (20, 10, 8, 2, 4, 2),
        (64, 32, 8, 8, 8, 4),
    ],
)
def test_instances_and_threads_follow_the_cores(
    cores: int, preprocess: int, classifier: int, threads: int, lone_threads: int, postprocess: int
) -> None:
    assert Sizing.of_cores(cores) == Sizing(
        preprocess, classifier, postprocess, min(cores, 2), threads, lone_threads, 2
    )


@pytest.mark.parametrize("cores", range(1, 129))
def test_classifiers_never_have_more_threads_than_the_machine_has_cores(cores: int) -> None:
    sizing = Sizing.of_cores(cores)
    assert cores / 2 < sizing.classifier_instances * sizing.threads <= cores
    assert sizing.threads <= sizing.lone_threads <= cores


def test_what_somebody_gives_replaces_what_was_derived() -> None:
    sizing = Sizing.of_cores(2)
    assert sizing.changed(threads=None, batch=None) == sizing
    assert sizing.changed(classifier_instances=1, batch=8) == Sizing(1, 1, 1, 2, 1, 2, 8)


def test_it_can_be_read() -> None:
    assert str(Sizing.of_cores(2)) == (
        "preprocess x 1, classifier x 2 (1 thread, 2 when alone, batches of 2), postprocess x 1"
    )
    assert "(1 thread, batches of 2)" in str(Sizing.of_cores(1))


def test_the_copy_that_triton_gets_is_sized(tmp_path: Path) -> None:
    releases.write_sound(tmp_path, 1)
    repository = tmp_path / "repository"
    Sizing(2, 3, 4, decoders=9, threads=5, lone_threads=6, batch=7, queue_delay_us=500).apply(repository)
    configs = {path.parent.name: triton_config.read(path) for path in repository.glob("*/config.pbtxt")}
    counts = {name: [group.count for group in config.instance_group] for name, config in configs.items()}
    assert counts == {"preprocess": [2], "classifier": [3], "postprocess": [4], "image_classifier": []}
    assert configs["preprocess"].parameters["decode_threads"].string_value == "9"
    classifier = configs["classifier"]
    assert list(classifier.dynamic_batching.preferred_batch_size) == [7]
    assert classifier.dynamic_batching.max_queue_delay_microseconds == 500
    parameters = {name: parameter.string_value for name, parameter in classifier.parameters.items()}
    assert parameters["intra_op_thread_count"] == "5"
    assert parameters["lone_threads"] == "6"


def test_no_batch_is_larger_than_the_release_takes(tmp_path: Path) -> None:
    releases.write_sound(tmp_path, 1)
    repository = tmp_path / "repository"
    Sizing.of_cores(2).changed(batch=64).apply(repository)
    classifier = triton_config.read(repository / "classifier" / "config.pbtxt")
    assert list(classifier.dynamic_batching.preferred_batch_size) == [classifier.max_batch_size] == [32]


def test_openvino_is_asked_for_by_tritons_own_key(tmp_path: Path) -> None:
    releases.write_sound(tmp_path, 1)
    repository = tmp_path / "repository"
    Sizing.of_cores(2, openvino=True).apply(repository)
    classifier = triton_config.read(repository / "classifier" / "config.pbtxt")
    (accelerator,) = classifier.optimization.execution_accelerators.cpu_execution_accelerator
    assert (accelerator.name, dict(accelerator.parameters)) == ("openvino", {})
    assert "(OpenVINO, 1 thread, " in str(Sizing.of_cores(2, openvino=True))
