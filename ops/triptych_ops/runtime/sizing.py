"""How a release is laid out on a machine: instances of each member, threads, batches.

A release's config.pbtxt suits every machine. Before it is served, the copy that Triton gets is sized for this one.
"""

from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any, Self

from triptych import contract
from triptych_ops import triton_config

from .machine import openvino_installed, usable_cores

PREPROCESS, CLASSIFIER, POSTPROCESS = contract.MEMBERS

_MOST_CLASSIFIERS = 8
"""Each holds the weights twice: a machine with more cores gives its instances more threads instead."""

_MOST_LONE_THREADS = 4
"""A small network's layers are too short to be shared by more."""

_BATCH = 2
"""Images of one run on one thread. Two save a message between processes, more only wait: at 16 connections 1, 2 and 3
gave 155, 166 and 164 images/s with a p99 of 1.2, 1.3 and 1.4 times the p50 (EfficientNet-Lite0, fp32, two cores)."""

# Of the time that an image takes on all cores together, by the fastest classifier: preprocess 2/5, postprocess 1/20.
_CORES_A_PREPROCESS = 2
_CORES_A_POSTPROCESS = 16

MOST_DELAY_US = 1_000_000

MOST = 64
"""Instances of a member, threads of one, images of a batch."""


@dataclass(frozen=True, slots=True)
class Sizing:
    """What Triton is told of this machine.

    decoders:     threads of one preprocess instance, for requests of several images
    threads:      of one classifier instance, while others are at work
    lone_threads: of a classifier instance that works alone
    batch:        images that Triton gathers for a run of the classifier
    queue_delay_us: microseconds that it waits for more of them; 0: it takes what waits; None: as the release says
    openvino:     whether OpenVINO runs the classifier, by Triton's own key `execution_accelerators`
    """

    preprocess_instances: int
    classifier_instances: int
    postprocess_instances: int
    decoders: int
    threads: int
    lone_threads: int
    batch: int
    queue_delay_us: int | None = None
    openvino: bool = False

    @classmethod
    def of_cores(cls, cores: int, *, openvino: bool = False) -> Self:
        """The sizing that serves most images a second on so many cores, and a lone one soonest."""
        classifiers = min(cores, _MOST_CLASSIFIERS)
        threads = cores // classifiers
        return cls(
            preprocess_instances=ceil(cores / _CORES_A_PREPROCESS),
            classifier_instances=classifiers,
            postprocess_instances=ceil(cores / _CORES_A_POSTPROCESS),
            decoders=min(cores, _CORES_A_PREPROCESS),
            threads=threads,
            lone_threads=max(threads, min(cores, _MOST_LONE_THREADS)),
            batch=_BATCH,
            openvino=openvino,
        )

    @classmethod
    def of_machine(cls) -> Self:
        """The same for the cores that this process may use and the packages beside it."""
        return cls.of_cores(usable_cores(), openvino=openvino_installed())

    def changed(self, **given: int | bool | None) -> Self:
        """The same with the fields that somebody gave; None changes nothing."""
        fields: dict[str, Any] = {field: value for field, value in given.items() if value is not None}
        return replace(self, **fields)

    def __str__(self) -> str:
        alone = f", {self.lone_threads} when alone" if self.lone_threads > self.threads else ""
        engine = "OpenVINO, " if self.openvino else ""
        waiting = f" within {self.queue_delay_us} us" if self.queue_delay_us else ""
        classifier = f"{engine}{_threads(self.threads)}{alone}, batches of {self.batch}{waiting}"
        return (
            f"preprocess x {self.preprocess_instances}, "
            f"classifier x {self.classifier_instances} ({classifier}), "
            f"postprocess x {self.postprocess_instances}"
        )

    def apply(self, repository: Path) -> None:
        """Write it into the config.pbtxt of each member of a repository.

        Raises:
            RefusedError: one cannot be parsed.
        """
        instances = {
            PREPROCESS: self.preprocess_instances,
            CLASSIFIER: self.classifier_instances,
            POSTPROCESS: self.postprocess_instances,
        }
        for member, count in instances.items():
            path = repository / member / triton_config.FILE_NAME
            config = triton_config.read(path)
            for group in config.instance_group:
                group.count = count
            if member == PREPROCESS:
                config.parameters["decode_threads"].string_value = str(self.decoders)
            if member == CLASSIFIER:
                config.dynamic_batching.preferred_batch_size[:] = [min(self.batch, config.max_batch_size)]
                if self.queue_delay_us is not None:
                    config.dynamic_batching.max_queue_delay_microseconds = self.queue_delay_us
                config.parameters["intra_op_thread_count"].string_value = str(self.threads)
                config.parameters["lone_threads"].string_value = str(self.lone_threads)
                if self.openvino:
                    config.optimization.execution_accelerators.cpu_execution_accelerator.add(name="openvino")
            triton_config.write(config, path)


def _threads(number: int) -> str:
    return f"{number} thread{'' if number == 1 else 's'}"
