"""What a GPU form changes in a release, and that it changes nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest
from tritonclient.grpc.model_config_pb2 import ModelConfig

from triptych_ops import lint, triton_config
from triptych_ops.release import Assembly, GpuParts, assemble


@pytest.fixture
def parts(tmp_path: Path) -> GpuParts:
    decoders = tuple(tmp_path / name for name in ("decode.cpu.dali", "decode.gpu.dali"))
    for decoder in decoders:
        decoder.write_bytes(b"decoder")
    graph = tmp_path / "fp16.onnx"
    graph.write_bytes(b"fp16")
    return GpuParts.of(decoders=decoders, served=tmp_path / "exported.onnx", own_graph=graph)


def gpu_config(repository: Path, model: str) -> ModelConfig:
    return triton_config.read(repository / model / "configs" / "gpu.pbtxt")


def files(repository: Path) -> dict[str, bytes]:
    return {
        path.relative_to(repository).as_posix(): path.read_bytes() for path in repository.rglob("*") if path.is_file()
    }


def test_it_adds_files_and_touches_none_of_the_others(assembly: Assembly, parts: GpuParts, tmp_path: Path) -> None:
    assemble(replace(assembly, gpu=parts), tmp_path / "both")
    assembly.graph.write_bytes(b"graph")  # which was moved
    assemble(assembly, tmp_path / "cpu")
    cpu, both = files(tmp_path / "cpu"), files(tmp_path / "both")
    assert {name: both[name] for name in cpu} == cpu
    assert both.keys() - cpu.keys() == {
        "classifier/configs/gpu.pbtxt",
        "classifier/7/model_gpu.onnx",
        "preprocess/configs/gpu.pbtxt",
        "preprocess/7/decode.cpu.dali",
        "preprocess/7/decode.gpu.dali",
    }


def test_its_configurations_are_fitted_to_the_network(assembly: Assembly, parts: GpuParts, tmp_path: Path) -> None:
    assemble(replace(assembly, gpu=parts), tmp_path / "repository")
    for model in ("preprocess", "classifier"):
        gpu = gpu_config(tmp_path / "repository", model)
        cpu = triton_config.read(tmp_path / "repository" / model / "config.pbtxt")
        assert (gpu.name, gpu.input, gpu.output) == (cpu.name, cpu.input, cpu.output)
        assert list(gpu.version_policy.specific.versions) == [7]

    classifier = gpu_config(tmp_path / "repository", "classifier")
    assert classifier.default_model_filename == "model_gpu.onnx"
    (accelerator,) = classifier.optimization.execution_accelerators.gpu_execution_accelerator
    assert accelerator.parameters["trt_profile_min_shapes"] == "PIXELS:1x32x32x3"
    assert accelerator.parameters["trt_profile_max_shapes"] == "PIXELS:32x32x32x3"
    assert all(list(tensor.dims) == [32, 32, 3] for warm in classifier.model_warmup for tensor in warm.inputs.values())


def test_engines_of_other_weights_have_another_prefix(assembly: Assembly, parts: GpuParts, tmp_path: Path) -> None:
    prefixes = set()
    for number, weights in enumerate((b"one", b"two")):
        graph = tmp_path / "gpu.onnx"
        graph.write_bytes(weights)
        for decoder in parts.decoders:
            decoder.write_bytes(b"decoder")
        assembly.graph.write_bytes(b"graph")
        gpu = GpuParts.of(decoders=parts.decoders, served=assembly.graph, own_graph=graph)
        assemble(replace(assembly, gpu=gpu), tmp_path / str(number))
        config = gpu_config(tmp_path / str(number), "classifier")
        (accelerator,) = config.optimization.execution_accelerators.gpu_execution_accelerator
        prefixes.add(accelerator.parameters["trt_engine_cache_prefix"])
    assert len(prefixes) == 2


def test_a_release_in_fp16_has_one_graph_for_both(assembly: Assembly, parts: GpuParts, tmp_path: Path) -> None:
    gpu = GpuParts.of(decoders=parts.decoders, served=assembly.graph, own_graph=None)
    assemble(replace(assembly, gpu=gpu), tmp_path / "repository")
    assert gpu_config(tmp_path / "repository", "classifier").default_model_filename == "model.onnx"
    assert not (tmp_path / "repository/classifier/7/model_gpu.onnx").exists()


def test_lint_looks_at_both_forms(assembly: Assembly, parts: GpuParts, tmp_path: Path) -> None:
    assemble(replace(assembly, gpu=parts), tmp_path / "repository")
    path = tmp_path / "repository/preprocess/configs/gpu.pbtxt"
    before = {(finding.path, finding.code) for finding in lint.lint(tmp_path / "repository")}
    path.write_text(path.read_text().replace('"PIXELS"', '"PIXEL"'))
    after = {(finding.path, finding.code) for finding in lint.lint(tmp_path / "repository")}
    assert any(place.startswith("preprocess/configs/") or "image_classifier" in place for place, _ in after - before)
