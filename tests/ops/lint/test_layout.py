"""A model's folder: what has to be there, and what the other forms of its configuration read."""

import shutil
from pathlib import Path

import onnx
import pytest

from triptych_ops.lint import lint

from .repositories import CLASSIFIER, graph

FORM, ENSEMBLE = "classifier/configs/gpu.pbtxt", "image_classifier/config.pbtxt"


def codes(repository: Path) -> list[tuple[str, str]]:
    return [(finding.code, finding.place) for finding in lint(repository)]


def write(repository: Path, path: str, content: str | bytes) -> None:
    file = repository / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)


def test_a_model_without_a_configuration(repository: Path) -> None:
    (repository / "empty").mkdir()
    assert codes(repository) == [("E120", "empty")]


def test_a_model_without_a_version(repository: Path) -> None:
    shutil.rmtree(repository / "postprocess" / "1")
    assert codes(repository) == [("E121", "postprocess")]


@pytest.mark.parametrize("name", ["classifier/1/model.onnx", "preprocess/1/model.py"])
def test_a_version_without_the_backends_file(repository: Path, name: str) -> None:
    (repository / name).unlink()
    assert codes(repository) == [("E122", name.rpartition("/")[0])]


def test_a_version_that_is_not_served_may_lack_the_backends_file(repository: Path) -> None:
    version = "\nversion_policy { specific { versions: [ 1 ] } }\n"
    config = repository / "classifier" / "config.pbtxt"
    config.write_text(config.read_text() + version)
    write(repository, "classifier/2/notes.txt", "to come\n")
    assert codes(repository) == []


@pytest.mark.parametrize(
    ("backend", "file"),
    [
        ("tensorrt", "model.plan"),
        ("openvino", "model.xml"),
        ("python", "model.py"),
        ("dali", "model.dali"),
        ("vllm", "model.json"),
        ("tensorflow", "model.savedmodel/saved_model.pb"),
        ("identity", "notes.txt"),
    ],
)
def test_each_backend_reads_its_own_file(tmp_path: Path, backend: str, file: str) -> None:
    write(tmp_path, "m/config.pbtxt", f'backend: "{backend}"')
    write(tmp_path, f"m/1/{file}", "x")
    assert codes(tmp_path) == []
    shutil.move(tmp_path / "m" / "1" / file, tmp_path / "m" / "1" / "stranger")
    assert ("E113", "m/1/stranger") in codes(tmp_path)


def test_what_a_python_model_brings_is_expected(repository: Path) -> None:
    for name in ("ranking.py", "package/__init__.py", "settings.json", "notes.txt", "decode.dali"):
        write(repository, f"preprocess/1/{name}", "x = 1\n")
    assert codes(repository) == []


def test_files_that_a_configuration_names_are_expected(repository: Path) -> None:
    config = repository / "classifier" / "config.pbtxt"
    config.write_text(config.read_text().replace("random_data: true", 'input_data_file: "first"'))
    write(repository, "classifier/warmup/first", bytes(48))
    assert codes(repository) == []
    write(repository, "classifier/warmup/first", bytes(47))
    (finding,) = lint(repository)
    assert (finding.code, finding.line) == ("E214", 22)
    assert "47 bytes, fewer than 48 elements take (48)" in finding.message
    write(repository, "classifier/warmup/first", bytes(48))
    write(repository, "classifier/warmup/second", bytes(48))
    assert codes(repository) == [("E113", "classifier/warmup/second")]


def test_a_sound_form_has_no_finding(repository: Path) -> None:
    write(repository, FORM, CLASSIFIER.replace("KIND_CPU", "KIND_GPU").replace("model.onnx", "model_gpu.onnx"))
    write(repository, "classifier/1/model_gpu.onnx", graph())
    assert codes(repository) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('name: "classifier"', 'name: "gpu"', [("E204", f"{FORM}:1")]),
        ("model.onnx", "model_gpu.onnx", [("E122", "classifier/1")]),
        ("max_batch_size: 8", "max_batch_sise: 8", [("E202", f"{FORM}:4")]),
        # The ensemble has no such form, so its config.pbtxt is served with the member's.
        (
            "max_batch_size: 8",
            "max_batch_size: 4",
            [("E213", f"{FORM}:14"), ("E313", f"{ENSEMBLE}:22")],
        ),
        (
            "TYPE_FP32 dims: [ 9 ]",
            "TYPE_FP16 dims: [ 9 ]",
            [("E406", f"{FORM}:10"), ("E311", f"{ENSEMBLE}:10")],
        ),
    ],
)
def test_a_defect_of_a_form_is_found_in_it_and_in_the_ensemble(
    repository: Path, old: str, new: str, expected: list[tuple[str, str]]
) -> None:
    write(repository, FORM, CLASSIFIER.replace(old, new, 1))
    assert codes(repository) == expected


def test_a_form_of_the_ensemble_is_checked_as_well(repository: Path) -> None:
    config = (repository / "image_classifier" / "config.pbtxt").read_text()
    form = "image_classifier/configs/gpu.pbtxt"
    write(repository, form, config)
    assert codes(repository) == []
    write(repository, form, config.replace('model_name: "classifier"', 'model_name: "classifier_gpu"'))
    assert codes(repository) == [("E301", f"{form}:22")]


@pytest.mark.parametrize(
    ("policy", "version", "found"),
    [
        ("", 3, []),
        ("", 1, ["E302"]),
        ("version_policy { latest { num_versions: 2 } }", 2, []),
        ("version_policy { latest { num_versions: 2 } }", 1, ["E302"]),
        ("version_policy { all { } }", 1, []),
        ("version_policy { specific { versions: [ 1, 3 ] } }", 1, []),
        ("version_policy { specific { versions: [ 1, 3 ] } }", 2, ["E302"]),
        ("version_policy { specific { versions: [ 1 ] } }", -1, []),
    ],
)
def test_a_step_names_a_version_that_the_policy_keeps(
    repository: Path, policy: str, version: int, found: list[str]
) -> None:
    for number in (2, 3):
        shutil.copytree(repository / "preprocess" / "1", repository / "preprocess" / str(number))
    config = repository / "preprocess" / "config.pbtxt"
    config.write_text(config.read_text() + policy)
    ensemble = repository / "image_classifier" / "config.pbtxt"
    ensemble.write_text(ensemble.read_text().replace("model_version: 1", f"model_version: {version}"))
    assert [finding.code for finding in lint(repository)] == found


@pytest.mark.parametrize(
    ("version", "written", "found"),
    [("0", "", []), ("0", "model_version: 0", []), ("1", "", ["E302"]), ("1", "model_version: 0", ["E302"])],
)
def test_a_step_without_a_version_asks_for_version_0(
    repository: Path, version: str, written: str, found: list[str]
) -> None:
    (repository / "preprocess" / "1").rename(repository / "preprocess" / version)
    ensemble = repository / "image_classifier" / "config.pbtxt"
    ensemble.write_text(ensemble.read_text().replace("model_version: 1", written))
    findings = lint(repository)
    assert [finding.code for finding in findings] == found
    assert all(finding.cure.startswith("write model_version: -1 for the newest") for finding in findings)


@pytest.mark.parametrize(
    ("model", "line", "cure"),
    [
        ("preprocess", 'backend: "python"\n', 'write backend: "python"'),
        ("classifier", 'backend: "onnxruntime"\n', 'write backend: "onnxruntime"'),
    ],
)
def test_the_backend_that_is_missing_is_named_by_the_files_which_stay(
    repository: Path, model: str, line: str, cure: str
) -> None:
    config = repository / model / "config.pbtxt"
    config.write_text(config.read_text().replace(line, ""))
    assert [(finding.code, finding.cure) for finding in lint(repository)] == [("E206", cure)]


def test_weights_beside_a_graph_are_to_be_taken_in_and_not_removed(repository: Path, sound_graph: bytes) -> None:
    graph_file = repository / "classifier" / "1" / "model.onnx"
    onnx.save(
        onnx.ModelProto.FromString(sound_graph),
        graph_file,
        save_as_external_data=True,
        location="w.bin",
        size_threshold=0,
    )
    (finding,) = lint(repository)
    assert (finding.code, finding.path) == ("E402", "classifier/1/model.onnx")
    assert 'onnx.save(onnx.load("model.onnx"), "model.onnx")' in finding.cure
    onnx.save(onnx.load(graph_file), graph_file)
    assert [(found.code, found.path) for found in lint(repository)] == [("E113", "classifier/1/w.bin")]
    (repository / "classifier" / "1" / "w.bin").unlink()
    assert lint(repository) == ()


@pytest.mark.parametrize("name", ["01", "v1", "1abc", "9223372036854775808"])
def test_a_folder_that_is_no_version_is_to_be_renamed(repository: Path, name: str) -> None:
    (repository / "postprocess" / "1").rename(repository / "postprocess" / name)
    findings = {finding.code: finding for finding in lint(repository)}
    assert findings.keys() == {"E113", "E121"}
    assert findings["E113"].cure == "rename it to 1"


def test_the_largest_version_is_one(repository: Path) -> None:
    (repository / "postprocess" / "1").rename(repository / "postprocess" / str(2**63 - 1))
    assert codes(repository) == []


@pytest.mark.parametrize("content", [None, b""])
def test_code_is_a_file_that_holds_something(repository: Path, content: bytes | None) -> None:
    code = repository / "preprocess" / "1" / "model.py"
    code.unlink()
    if content is None:
        code.mkdir()
    else:
        code.write_bytes(content)
    assert codes(repository) == [("E122", "preprocess/1/model.py")]


def test_a_graph_of_another_name_is_named(repository: Path) -> None:
    (repository / "classifier" / "1" / "model.onnx").rename(repository / "classifier" / "1" / "net.onnx")
    (finding,) = lint(repository)
    assert finding.cure == "rename 'net.onnx' to 'model.onnx', or write default_model_filename: \"net.onnx\""
