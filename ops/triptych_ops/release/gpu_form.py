"""The GPU form of a release's models: `configs/gpu.pbtxt`, which Triton takes with `--model-config-name=gpu`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tritonclient.grpc.model_config_pb2 import ModelConfig

from . import integrity

FILE_NAME = "configs/gpu.pbtxt"
GRAPH = "model_gpu.onnx"
"""What the classifier's version folder calls a graph that only the GPU form has."""

_PROFILES = {"trt_profile_min_shapes", "trt_profile_opt_shapes", "trt_profile_max_shapes"}
_CACHE_PREFIX = "trt_engine_cache_prefix"
_PREFIX_DIGITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuParts:
    """Files that the GPU form needs besides those of the CPU form; they are moved into the release.

    decoders: serialised DALI graphs of preprocess, called as they shall be
    graph:    the graph in fp16 where the release's own is not; else None
    """

    decoders: tuple[Path, ...]
    graph: Path | None
    graph_sha256: str  # of the graph that the GPU runs

    @classmethod
    def of(cls, *, decoders: tuple[Path, ...], served: Path, own_graph: Path | None) -> Self:
        """The parts, with the digest of the graph that the GPU runs: its own, or the served one."""
        sha256 = integrity.digest(own_graph or served).sha256
        return cls(decoders=decoders, graph=own_graph, graph_sha256=sha256)


def configure(config: ModelConfig, gpu: GpuParts, *, side: int) -> None:
    """Fit a template of the GPU form to a release whose network takes images of `side` pixels."""
    for warm_up in config.model_warmup:
        for tensor in warm_up.inputs.values():
            tensor.dims[:] = [side, side, 3]
    for accelerator in config.optimization.execution_accelerators.gpu_execution_accelerator:
        for name in _PROFILES & accelerator.parameters.keys():
            batch = accelerator.parameters[name].partition(":")[2].partition("x")[0]
            accelerator.parameters[name] = f"PIXELS:{batch}x{side}x{side}x3"
        if _CACHE_PREFIX in accelerator.parameters:
            accelerator.parameters[_CACHE_PREFIX] = gpu.graph_sha256[:_PREFIX_DIGITS]
    if gpu.graph and config.default_model_filename:
        config.default_model_filename = GRAPH
