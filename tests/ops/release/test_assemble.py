from dataclasses import replace
from pathlib import Path

import pytest
from tritonclient.grpc.model_config_pb2 import ModelConfig

from sources import load_source
from triptych import contract
from triptych_ops import triton_config
from triptych_ops.errors import RefusedError, UsageError
from triptych_ops.release import Assembly, assemble

MODELS = (*contract.MEMBERS, contract.MODEL_NAME)

DIMS = {
    "IMAGE": [1],
    "IMAGE_ERROR": [1],
    "ERROR": [1],
    "PIXELS": [32, 32, 3],
    "LOGITS": [6],
    "EMBEDDING": [9],
    "CLASS_ID": [2],
    "SCORE": [2],
    "LABEL": [2],
}


@pytest.fixture
def repository(assembly: Assembly, tmp_path: Path) -> Path:
    assemble(assembly, tmp_path / "repository")
    return tmp_path / "repository"


def config_of(repository: Path, model: str) -> ModelConfig:
    return triton_config.read(repository / model / "config.pbtxt")


def without_what_a_release_sets(config: ModelConfig) -> ModelConfig:
    for tensor in (*config.input, *config.output):
        tensor.ClearField("dims")
    for step in config.ensemble_scheduling.step:
        step.ClearField("model_version")
    config.ClearField("version_policy")
    for key in (contract.HEALTH_CLASS_ID, contract.HEALTH_SCORE, contract.LABELS, contract.RESIZE):
        config.parameters.pop(key, None)
    return config


def test_a_repository_holds_these_files_in_folders_called_by_the_number(repository: Path) -> None:
    found = {path.relative_to(repository).as_posix() for path in repository.rglob("*") if path.is_file()}
    assert found == {
        "preprocess/config.pbtxt",
        "preprocess/7/model.py",
        "preprocess/7/bounded.py",
        "preprocess/7/dali_decoder.py",
        "preprocess/7/image_pipeline.py",
        "preprocess/7/decoding.py",
        "preprocess/7/jpeg.py",
        "preprocess/7/pillow_decoder.py",
        "preprocess/7/preprocessing.json",
        "preprocess/7/pillow_pixels.py",
        "preprocess/7/resampling.py",
        "preprocess/7/turbo.py",
        "classifier/config.pbtxt",
        "classifier/7/model.onnx",
        "postprocess/config.pbtxt",
        "postprocess/7/model.py",
        "postprocess/7/ranking.py",
        "postprocess/7/answers.py",
        "postprocess/7/counters.py",
        "preprocess/7/counters.py",
        "postprocess/7/labels.txt",
        "image_classifier/config.pbtxt",
        "image_classifier/7/release",
    }


def test_sources_are_copied_as_they_are(repository: Path, checkout: Path) -> None:
    for model in ("preprocess", "postprocess"):
        for path in (checkout / "model_repository" / model / "source").glob("*.py"):
            assert (repository / model / "7" / path.name).read_bytes() == path.read_bytes()


def test_the_graph_is_moved_and_not_held_twice(repository: Path, assembly: Assembly) -> None:
    assert (repository / "classifier" / "7" / "model.onnx").read_bytes() == b"graph"
    assert not assembly.graph.exists()


def test_the_ensembles_folder_holds_a_file_that_says_the_number(repository: Path) -> None:
    assert (repository / "image_classifier" / "7" / "release").read_text(encoding="utf-8") == "7\n"


def test_every_step_of_the_ensemble_names_the_release(repository: Path) -> None:
    steps = config_of(repository, contract.MODEL_NAME).ensemble_scheduling.step
    assert [(step.model_name, step.model_version) for step in steps] == [(name, 7) for name in contract.MEMBERS]


@pytest.mark.parametrize("model", MODELS)
def test_only_the_release_is_loaded_of_every_model(repository: Path, model: str) -> None:
    assert list(config_of(repository, model).version_policy.specific.versions) == [7]


@pytest.mark.parametrize("model", MODELS)
def test_dimensions_are_those_of_the_release_in_every_configuration(repository: Path, model: str) -> None:
    config = config_of(repository, model)
    tensors = [*config.input, *config.output]
    assert tensors
    assert {tensor.name: list(tensor.dims) for tensor in tensors} == {
        tensor.name: DIMS[tensor.name] for tensor in tensors
    }


@pytest.mark.parametrize("model", MODELS)
def test_nothing_else_of_a_configuration_changes(repository: Path, checkout: Path, model: str) -> None:
    template = config_of(checkout / "model_repository", model)
    assert without_what_a_release_sets(config_of(repository, model)) == without_what_a_release_sets(template)


def test_the_ensemble_alone_carries_the_known_answer_and_what_the_sdk_is_told(repository: Path) -> None:
    parameters = config_of(repository, contract.MODEL_NAME).parameters
    assert {key: value.string_value for key, value in parameters.items()} == {
        contract.HEALTH_CLASS_ID: "3",
        contract.HEALTH_SCORE: "0.123457",
        contract.LABELS: "6",
        contract.RESIZE: "36",
    }
    for model in contract.MEMBERS:
        assert contract.HEALTH_CLASS_ID not in config_of(repository, model).parameters


def test_an_exact_size_reaches_the_server_and_the_ensembles_configuration(assembly: Assembly, tmp_path: Path) -> None:
    definition = assembly.preprocessing.model_copy(update={"resize": (40, 36), "interpolation": "lanczos"})
    repository = tmp_path / "exact"
    assemble(replace(assembly, preprocessing=definition), repository)
    version = repository / "preprocess" / "7"
    pipeline = load_source(version / "image_pipeline.py").ImagePipeline.from_file(version / "preprocessing.json")
    assert (pipeline.resize, pipeline.crop, pipeline.interpolation) == ((40, 36), 32, "lanczos")
    assert config_of(repository, contract.MODEL_NAME).parameters[contract.RESIZE].string_value == "40,36"


def test_labels_are_written_one_a_line_in_the_order_of_the_classes(repository: Path, assembly: Assembly) -> None:
    written = (repository / "postprocess" / "7" / "labels.txt").read_bytes().decode("utf-8")
    assert written == "".join(f"{label}\n" for label in assembly.labels)
    assert tuple(written.splitlines()) == assembly.labels


def test_the_server_reads_the_definition_of_preprocessing(repository: Path, assembly: Assembly) -> None:
    version = repository / "preprocess" / "7"
    pipeline = load_source(version / "image_pipeline.py").ImagePipeline.from_file(version / "preprocessing.json")
    definition = assembly.preprocessing
    assert (pipeline.resize, pipeline.crop, pipeline.interpolation) == (36, 32, "bilinear")
    assert list(pipeline.formats) == definition.limits.formats
    assert (pipeline.max_bytes, pipeline.max_pixels) == (definition.limits.max_bytes, definition.limits.max_pixels)


@pytest.mark.parametrize(
    "label", ["", " ", "\t", "\n", "two\nlines", "two\rlines", "\nlate", "early\n", "two\u2028lines"], ids=repr
)
def test_a_label_that_is_not_one_line_is_refused_by_its_number(assembly: Assembly, tmp_path: Path, label: str) -> None:
    labels = ("cat", "dog", label, "fish")
    with pytest.raises(RefusedError, match=r"^label 2 is .* one line that is not empty$") as caught:
        assemble(replace(assembly, labels=labels), tmp_path / "repository")
    assert repr(label) in str(caught.value)
    assert not (tmp_path / "repository").exists()


@pytest.mark.parametrize(("top_k", "labels"), [(3, ("cat", "dog")), (0, ("cat", "dog")), (-1, ("cat",)), (1, ())])
def test_a_top_k_that_the_labels_cannot_fill_is_refused(
    assembly: Assembly, tmp_path: Path, top_k: int, labels: tuple[str, ...]
) -> None:
    with pytest.raises(UsageError, match=f"^top-k {top_k} of {len(labels)} classes; choose 1 to "):
        assemble(replace(assembly, labels=labels, top_k=top_k), tmp_path / "repository")
    assert not (tmp_path / "repository").exists()


def test_all_classes_may_be_answered(assembly: Assembly, tmp_path: Path) -> None:
    assemble(replace(assembly, top_k=6), tmp_path / "repository")
    config = config_of(tmp_path / "repository", contract.MODEL_NAME)
    assert {tensor.name: list(tensor.dims) for tensor in config.output}[contract.CLASS_ID] == [6]
