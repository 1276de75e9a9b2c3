"""The configurations of the model repository, among themselves and against the contract that clients rely on."""

import ast
from collections import Counter
from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import DataType, ModelConfig

from triptych import contract

MODELS = (*contract.MEMBERS, contract.MODEL_NAME)
Edge = tuple[str, tuple[int, ...]]  # Triton's datatype and the dimensions without the batch


@pytest.fixture(scope="module")
def configs(checkout: Path) -> dict[str, ModelConfig]:
    paths = sorted((checkout / "model_repository").glob("*/config.pbtxt"))
    return {path.parent.name: text_format.Parse(path.read_text(encoding="utf-8"), ModelConfig()) for path in paths}


@pytest.fixture(scope="module")
def ensemble(configs: dict[str, ModelConfig]) -> ModelConfig:
    return configs[contract.MODEL_NAME]


def datatype(number: int) -> str:
    """As the inference protocol calls it: the configuration's TYPE_STRING is the protocol's BYTES."""
    name: str = DataType.Name(number).removeprefix("TYPE_")
    return "BYTES" if name == "STRING" else name


def inputs(config: ModelConfig) -> dict[str, Edge]:
    return {tensor.name: (datatype(tensor.data_type), tuple(tensor.dims)) for tensor in config.input}


def outputs(config: ModelConfig) -> dict[str, Edge]:
    return {tensor.name: (datatype(tensor.data_type), tuple(tensor.dims)) for tensor in config.output}


def test_the_repository_holds_the_ensemble_and_its_members_and_nothing_else(configs: dict[str, ModelConfig]) -> None:
    assert sorted(configs) == sorted(MODELS)


def test_every_model_is_called_as_its_folder(configs: dict[str, ModelConfig]) -> None:
    assert {folder: config.name for folder, config in configs.items()} == {name: name for name in MODELS}


def test_the_ensemble_takes_what_the_contract_says(ensemble: ModelConfig) -> None:
    assert {name: kind for name, (kind, _) in inputs(ensemble).items()} == dict(contract.INPUTS)


def test_the_ensemble_gives_what_the_contract_says(ensemble: ModelConfig) -> None:
    assert {name: kind for name, (kind, _) in outputs(ensemble).items()} == dict(contract.OUTPUTS)


def test_class_ids_scores_and_labels_are_equally_many_and_an_error_is_one(ensemble: ModelConfig) -> None:
    shapes = {name: dims for name, (_, dims) in (inputs(ensemble) | outputs(ensemble)).items()}
    assert shapes[contract.CLASS_ID] == shapes[contract.SCORE] == shapes[contract.LABEL]
    assert shapes[contract.ERROR] == shapes[contract.IMAGE] == (1,)
    assert {len(dims) for dims in shapes.values()} == {1}


@pytest.mark.parametrize("model", MODELS)
def test_every_model_takes_batches_of_the_contracts_size(configs: dict[str, ModelConfig], model: str) -> None:
    assert configs[model].max_batch_size == contract.MAX_BATCH_SIZE


def test_the_steps_are_the_contracts_members_in_order(ensemble: ModelConfig) -> None:
    assert [step.model_name for step in ensemble.ensemble_scheduling.step] == list(contract.MEMBERS)


def test_every_step_maps_exactly_the_tensors_of_its_member(
    ensemble: ModelConfig, configs: dict[str, ModelConfig]
) -> None:
    for step in ensemble.ensemble_scheduling.step:
        member = configs[step.model_name]
        assert set(step.input_map) == set(inputs(member)), step.model_name
        assert set(step.output_map) == set(outputs(member)), step.model_name


def test_every_tensor_is_produced_once_and_before_it_is_consumed(ensemble: ModelConfig) -> None:
    produced = list(inputs(ensemble))
    for step in ensemble.ensemble_scheduling.step:
        assert set(step.input_map.values()) <= set(produced), step.model_name
        produced += step.output_map.values()
    assert [name for name, times in Counter(produced).items() if times > 1] == []
    assert set(outputs(ensemble)) <= set(produced) - set(inputs(ensemble))


def test_every_tensor_is_consumed_or_given_out(ensemble: ModelConfig) -> None:
    steps = ensemble.ensemble_scheduling.step
    produced = set(inputs(ensemble)) | {name for step in steps for name in step.output_map.values()}
    consumed = {name for step in steps for name in step.input_map.values()}
    assert produced == consumed | set(outputs(ensemble))


def test_datatype_and_dimensions_agree_along_every_edge(ensemble: ModelConfig, configs: dict[str, ModelConfig]) -> None:
    edges: dict[str, set[Edge]] = {}
    for name, edge in (*inputs(ensemble).items(), *outputs(ensemble).items()):
        edges.setdefault(name, set()).add(edge)
    for step in ensemble.ensemble_scheduling.step:
        member = configs[step.model_name]
        for key, name in step.input_map.items():
            edges.setdefault(name, set()).add(inputs(member)[key])
        for key, name in step.output_map.items():
            edges.setdefault(name, set()).add(outputs(member)[key])
    assert {name: kinds for name, kinds in edges.items() if len(kinds) > 1} == {}


def test_the_sources_import_nothing_of_ours_but_their_neighbours(checkout: Path) -> None:
    sources = sorted((checkout / "model_repository").glob("*/source/*.py"))
    assert {path.parent.parent.name for path in sources} == {"preprocess", "postprocess"}
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported = {alias.name.split(".")[0] for alias in node.names}
                assert not imported & {"triptych", "triptych_ops"}, path
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                assert (node.module or "").split(".")[0] not in {"triptych", "triptych_ops"}, path
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 1, path
                neighbours = [node.module] if node.module else [alias.name for alias in node.names]
                assert all((path.parent / f"{name}.py").is_file() for name in neighbours), path
