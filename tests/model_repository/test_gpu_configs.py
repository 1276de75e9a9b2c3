"""The GPU form's configurations: the same models to whoever calls them, on other hardware."""

import re
from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig, ModelInstanceGroup

from triptych import contract

GPU_MODELS = ("preprocess", "classifier")
HARDWARE = ("instance_group", "dynamic_batching", "optimization", "parameters", "model_warmup")

# The mapping table of https://github.com/triton-inference-server/onnxruntime_backend; the backend refuses others.
TENSORRT_KEYS = {
    *("precision_mode", "max_workspace_size_bytes"),
    *("trt_engine_cache_enable", "trt_engine_cache_path", "trt_engine_cache_prefix"),
    *("trt_timing_cache_enable", "trt_timing_cache_path"),
    *("trt_profile_min_shapes", "trt_profile_opt_shapes", "trt_profile_max_shapes"),
}


def config(checkout: Path, name: str) -> ModelConfig:
    path = checkout / "model_repository" / name
    return text_format.Parse(path.read_text(encoding="utf-8"), ModelConfig())


def contract_of(config: ModelConfig) -> ModelConfig:
    """What a client or an ensemble sees of a model."""
    kept = ModelConfig()
    kept.CopyFrom(config)
    for field in HARDWARE:
        kept.ClearField(field)
    return kept


def tensorrt(checkout: Path) -> dict[str, str]:
    (accelerator,) = config(
        checkout, "classifier/configs/gpu.pbtxt"
    ).optimization.execution_accelerators.gpu_execution_accelerator
    assert accelerator.name == "tensorrt"
    return dict(accelerator.parameters)


def test_only_what_gains_from_a_gpu_has_a_gpu_form(checkout: Path) -> None:
    forms = sorted(
        path.relative_to(checkout / "model_repository") for path in checkout.glob("model_repository/*/configs/*")
    )
    assert forms == sorted(Path(model) / "configs" / "gpu.pbtxt" for model in GPU_MODELS)


@pytest.mark.parametrize("model", GPU_MODELS)
def test_both_forms_are_the_same_model_on_other_hardware(checkout: Path, model: str) -> None:
    cpu, gpu = (config(checkout, f"{model}/{name}") for name in ("config.pbtxt", "configs/gpu.pbtxt"))
    assert contract_of(gpu) == contract_of(cpu)
    assert gpu != cpu


@pytest.mark.parametrize("changed", ["name", "max_batch_size", "dims"])
def test_a_changed_contract_would_show(checkout: Path, changed: str) -> None:
    gpu = config(checkout, "classifier/configs/gpu.pbtxt")
    other = config(checkout, "classifier/configs/gpu.pbtxt")
    if changed == "dims":
        other.input[0].dims[0] += 1
    else:
        setattr(other, changed, type(getattr(other, changed))(7))
    assert contract_of(gpu) != contract_of(other)


@pytest.mark.parametrize("model", GPU_MODELS)
def test_the_gpu_form_has_one_instance_on_each_gpu(checkout: Path, model: str) -> None:
    (group,) = config(checkout, f"{model}/configs/gpu.pbtxt").instance_group
    assert (group.kind, group.count, list(group.gpus)) == (ModelInstanceGroup.KIND_GPU, 1, [])


@pytest.mark.parametrize("model", [*contract.MEMBERS])
def test_the_cpu_form_knows_nothing_of_a_gpu(checkout: Path, model: str) -> None:
    cpu = config(checkout, f"{model}/config.pbtxt")
    assert {group.kind for group in cpu.instance_group} == {ModelInstanceGroup.KIND_CPU}
    assert not cpu.HasField("optimization")
    assert "decoder" not in cpu.parameters


def test_every_key_for_tensorrt_is_one_that_the_backend_knows(checkout: Path) -> None:
    assert set(tensorrt(checkout)) <= TENSORRT_KEYS


def test_one_profile_covers_every_batch_and_has_the_inputs_shape(checkout: Path) -> None:
    gpu, options = config(checkout, "classifier/configs/gpu.pbtxt"), tensorrt(checkout)
    batches = []
    for end in ("min", "opt", "max"):
        name, *shape = re.split("[:x]", options[f"trt_profile_{end}_shapes"])
        assert name == gpu.input[0].name
        assert [int(side) for side in shape[1:]] == list(gpu.input[0].dims)
        batches.append(int(shape[0]))
    assert batches == [1, 8, contract.MAX_BATCH_SIZE]


def test_what_tensorrt_writes_lies_outside_the_release_on_one_volume(checkout: Path) -> None:
    options = tensorrt(checkout)
    assert options["trt_engine_cache_path"] == options["trt_timing_cache_path"] == "/var/cache/triptych/tensorrt"
    assert options["trt_engine_cache_prefix"]


def test_the_warm_up_runs_the_sizes_that_the_batcher_prefers(checkout: Path) -> None:
    gpu = config(checkout, "classifier/configs/gpu.pbtxt")
    preferred = list(gpu.dynamic_batching.preferred_batch_size)
    assert [sample.batch_size for sample in gpu.model_warmup] == [1, *preferred]
    for sample in gpu.model_warmup:
        pixels = sample.inputs[gpu.input[0].name]
        assert (list(pixels.dims), pixels.data_type) == (list(gpu.input[0].dims), gpu.input[0].data_type)
