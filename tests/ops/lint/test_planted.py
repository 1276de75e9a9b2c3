"""One planted defect each: the code that names it, and the line."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from triptych_ops.lint import lint

CONFIG = "classifier/config.pbtxt"
ENSEMBLE = "image_classifier/config.pbtxt"
POSTPROCESS = "postprocess/config.pbtxt"


@dataclass(frozen=True)
class Edit:
    """A config.pbtxt with `old` replaced by `new`; the finding stands on the line that holds `at`."""

    code: str
    file: str
    old: str
    new: str
    at: str | None = None
    path: str | None = None  # where the finding is, unless in the file
    also: frozenset[str] = frozenset()  # what follows from the same defect

    def plant(self, repository: Path) -> tuple[str, int | None]:
        """Where the finding has to be."""
        file = repository / self.file
        text = file.read_text(encoding="utf-8")
        assert text.count(self.old) >= 1
        text = text.replace(self.old, self.new, 1)
        file.write_text(text, encoding="utf-8")
        line = None
        if self.at is not None:
            (line, *more) = [number for number, row in enumerate(text.splitlines(), start=1) if self.at in row]
            assert not more
        return self.path or self.file, line


STEP_VERSION = 'model_name: "preprocess"\n      model_version: 1'
EDITS = {
    # E2: one configuration
    "no end": Edit("E201", CONFIG, "dynamic_batching {", "dynamic_batching {{", "dynamic_batching {{"),
    "a value of another type": Edit("E201", CONFIG, "max_batch_size: 8", 'max_batch_size: "8"', 'size: "8"'),
    "a type that is none": Edit("E201", CONFIG, "TYPE_FP32 dims: [ 9 ]", "TYPE_FP31 dims: [ 9 ]", "TYPE_FP31"),
    "two schedulers": Edit("E201", CONFIG, "model_warmup [", "sequence_batching { }\nmodel_warmup [", "sequence_b"),
    "a misspelt key": Edit("E202", CONFIG, "instance_group", "instance_groups", "instance_groups"),
    "a misspelt inner key": Edit("E202", CONFIG, "batch_size: 1", "batchsize: 1", "batchsize"),
    "another name": Edit("E204", CONFIG, 'name: "classifier"', 'name: "resnet"', '"resnet"'),
    "an unknown backend": Edit("E205", CONFIG, '"onnxruntime"', '"onnxruntim"', "backend:"),
    "an unknown platform": Edit("E205", CONFIG, 'backend: "onnxruntime"', 'platform: "onnx"', "platform:"),
    "a platform of another backend": Edit(
        "E205", CONFIG, 'backend: "onnxruntime"', 'backend: "onnxruntime" platform: "tensorrt_plan"', "tensorrt_plan"
    ),
    "an ensemble with a backend": Edit("E205", ENSEMBLE, 'platform: "ensemble"', 'backend: "ensemble"', "backend:"),
    "no backend": Edit("E206", CONFIG, 'backend: "onnxruntime"\n', ""),
    "an input twice": Edit(
        "E207",
        POSTPROCESS,
        '{ name: "IMAGE_ERROR"',
        '{ name: "LOGITS" data_type: TYPE_FP32 dims: [ 6 ] },  # again\n  { name: "IMAGE_ERROR"',
        "again",
    ),
    "no dims": Edit("E208", POSTPROCESS, "dims: [ 6 ]", "dims: [ ]", '"LOGITS"', also=frozenset({"E312"})),
    "dims of zero": Edit(
        "E208", POSTPROCESS, "dims: [ 6 ]", "dims: [ 0 ]", '"LOGITS"', also=frozenset({"E312", "E502"})
    ),
    "huge dims": Edit(
        "E208",
        POSTPROCESS,
        "dims: [ 6 ]",
        "dims: [ 9000000000000000000 ]",
        '"LOGITS"',
        also=frozenset({"E312", "E502"}),
    ),
    "no type": Edit("E209", POSTPROCESS, "data_type: TYPE_FP32", "", '"LOGITS"', also=frozenset({"E311"})),
    "a negative batch": Edit("E210", CONFIG, "max_batch_size: 8", "max_batch_size: -1", "max_batch_size"),
    "no instance": Edit("E211", CONFIG, "count: 1", "count: 0", "instance_group"),
    "fewer than no instances": Edit("E211", CONFIG, "count: 1", "count: -2", "instance_group"),
    "batching without a batch": Edit(
        "W212",
        "preprocess/config.pbtxt",
        "max_batch_size: 8",
        "dynamic_batching { }",
        "dynamic_batching",
        also=frozenset({"W314"}),
    ),
    "a preferred batch too large": Edit("E213", CONFIG, "[ 4, 8 ]", "[ 4, 16 ]", "[ 4, 16 ]"),
    "a preferred batch of none": Edit("E213", CONFIG, "[ 4, 8 ]", "[ 0, 8 ]", "[ 0, 8 ]"),
    "a warm-up of no input": Edit("E214", CONFIG, 'key: "PIXELS"', 'key: "PIXEL"', "inputs {"),
    "a warm-up of another type": Edit(
        "E214", CONFIG, "value: { data_type: TYPE_UINT8", "value: { data_type: TYPE_FP32", "inputs {"
    ),
    "a warm-up of another shape": Edit(
        "E214", CONFIG, "dims: [ 4, 4, 3 ] random", "dims: [ 4, 5, 3 ] random", "inputs {"
    ),
    "a warm-up too large": Edit("E214", CONFIG, "batch_size: 1", "batch_size: 9", "batch_size: 9"),
    "a warm-up without data": Edit("E214", CONFIG, "random_data: true", "", "inputs {"),
    "a warm-up of a missing file": Edit("E214", CONFIG, "random_data: true", 'input_data_file: "x"', '"x"'),
    "the latest none": Edit(
        "E215",
        CONFIG,
        "dynamic_batching {",
        "version_policy { latest { num_versions: 0 } }\ndynamic_batching {",
        "version_policy",
        also=frozenset({"E302"}),
    ),
    "a reshape": Edit("E216", POSTPROCESS, "dims: [ 6 ]", "dims: [ 6 ] reshape { shape: [ 2, 2 ] }", '"LOGITS"'),
    "a reshape that moves elements across a variable size": Edit(
        "E216",
        POSTPROCESS,
        "dims: [ 6 ]",
        "dims: [ -1, 6 ] reshape { shape: [ -1, 2, 2 ] }",
        '"LOGITS"',
        also=frozenset({"E312"}),
    ),
    "an image format of one dimension": Edit(
        "E217", POSTPROCESS, "dims: [ 6 ]", "dims: [ 6 ] format: FORMAT_NHWC", '"LOGITS"'
    ),
    "a shape tensor": Edit("E217", POSTPROCESS, "dims: [ 6 ]", "dims: [ 6 ] is_shape_tensor: true", '"LOGITS"'),
    "a default priority that is no level": Edit(
        "E218", CONFIG, "[ 4, 8 ]", "[ 4, 8 ]\n  priority_levels: 2", "dynamic_batching {"
    ),
    "a control without values": Edit(
        "E219",
        "preprocess/config.pbtxt",
        "max_batch_size: 8",
        'max_batch_size: 8\nsequence_batching { control_input { name: "C" control { kind: CONTROL_SEQUENCE_END } } }',
        "sequence_batching",
    ),
    "a count of an unknown input": Edit(
        "E220",
        "preprocess/config.pbtxt",
        "max_batch_size: 8",
        "max_batch_size: 8\n"
        'batch_input { kind: BATCH_ITEM_SHAPE target_name: "N" data_type: TYPE_INT32 source_input: "X" }',
        "batch_input",
    ),
    "a cache of a decoupled model": Edit(
        "E221",
        "preprocess/config.pbtxt",
        "max_batch_size: 8",
        "max_batch_size: 8\nmodel_transaction_policy { decoupled: true }\nresponse_cache { enable: true }",
        "response_cache",
    ),
    "GPUs of a group on the CPU": Edit(
        "E222", CONFIG, "kind: KIND_CPU", "kind: KIND_CPU gpus: [ 0 ]", "instance_group"
    ),
    "threads in words": Edit("E223", CONFIG, 'string_value: "0"', 'string_value: "many"', '"many"'),
    "a number with an underscore": Edit("E201", CONFIG, "max_batch_size: 8", "max_batch_size: 0_8", "0_8"),
    "a number with a plus": Edit("E201", CONFIG, "max_batch_size: 8", "max_batch_size: +8", "+8"),
    "an escape that is none": Edit("E201", CONFIG, 'string_value: "0"', 'string_value: "\\q"', "parameters"),
    "a space that is none of ASCII": Edit(
        "E201", CONFIG, "max_batch_size: 8", "max_batch_size:\u00a08", "max_batch_size"
    ),
    # E3: ensembles
    "a step without a version": Edit("E302", ENSEMBLE, "      model_version: 1\n", "", '"preprocess"'),
    "a step of version 0": Edit("E302", ENSEMBLE, "model_version: 1", "model_version: 0", "model_version: 0"),
    "a missing member": Edit("E301", ENSEMBLE, 'model_name: "postprocess"', 'model_name: "ranking"', '"ranking"'),
    "a version that is not on disk": Edit("E302", ENSEMBLE, "model_version: 1", "model_version: 2", "model_version: 2"),
    "a version that is not kept": Edit(
        "E302",
        "preprocess/config.pbtxt",
        "max_batch_size",
        "version_policy { specific { versions: [ 3 ] } }\nmax_batch_size",
        path=ENSEMBLE,
        also=frozenset({"E215"}),
    ),
    "a version that is kept and not there": Edit(
        "E215",
        CONFIG,
        "max_batch_size",
        "version_policy { specific { versions: [ 1,\n3 ] } }\nmax_batch_size",
        "3 ] } }",
    ),
    "an input that gets nothing": Edit(
        "E303",
        ENSEMBLE,
        '      input_map { key: "LOGITS" value: "LOGITS" }\n',
        "",
        'e: "postprocess"',
        also=frozenset({"E307"}),
    ),
    "an input that is none": Edit(
        "E304", ENSEMBLE, 'input_map { key: "LOGITS"', 'input_map { key: "SCORES"', '"SCORES"', also=frozenset({"E303"})
    ),
    "an output that is none": Edit("E304", ENSEMBLE, 'output_map { key: "LABEL"', 'output_map { key: "WORD"', '"WORD"'),
    "a tensor from nowhere": Edit(
        "E305",
        ENSEMBLE,
        'key: "PIXELS" value: "PIXELS" }\n      output_map { key: "LOG',
        'key: "PIXELS" value: "PIXEL" }\n      output_map { key: "LOG',
        '"PIXEL"',
        also=frozenset({"E307"}),
    ),
    "a tensor produced twice": Edit(
        "E306",
        ENSEMBLE,
        '"EMBEDDING" value: "EMBEDDING"',
        '"EMBEDDING" value: "PIXELS"',
        '"EMBEDDING" value: "PIXELS"',
        also=frozenset({"E308"}),
    ),
    "an input produced again": Edit(
        "E306",
        ENSEMBLE,
        '"EMBEDDING" value: "EMBEDDING"',
        '"EMBEDDING" value: "IMAGE"',
        '"EMBEDDING" value: "IMAGE"',
        also=frozenset({"E308"}),
    ),
    "a tensor that nobody reads": Edit(
        "E307", ENSEMBLE, ',\n  { name: "EMBEDDING" data_type: TYPE_FP32 dims: [ 9 ] }', "", '"EMBEDDING" value'
    ),
    "an output from nowhere": Edit(
        "E308", ENSEMBLE, '      output_map { key: "EMBEDDING" value: "EMBEDDING" }\n', "", 'name: "EMBEDDING"'
    ),
    "steps in a circle": Edit(
        "E309",
        ENSEMBLE,
        'input_map { key: "IMAGE" value: "IMAGE" }',
        'input_map { key: "IMAGE" value: "LABEL" }',
        None,
        also=frozenset({"E310", "E312"}),
    ),
    "an input that nobody reads": Edit(
        "E310",
        ENSEMBLE,
        "dims: [ 1 ] }\n",
        'dims: [ 1 ] },\n  { name: "SIZE" data_type: TYPE_INT32 dims: [ 1 ] }\n',
        '"SIZE"',
    ),
    "another type at the end": Edit("E311", ENSEMBLE, "TYPE_INT32 dims: [ 2 ]", "TYPE_INT64 dims: [ 2 ]", "TYPE_INT64"),
    "another type inside": Edit(
        "E311", POSTPROCESS, "TYPE_FP32 dims: [ 6 ]", "TYPE_FP16 dims: [ 6 ]", None, path=ENSEMBLE
    ),
    "another shape at the end": Edit(
        "E312", ENSEMBLE, "TYPE_INT32 dims: [ 2 ]", "TYPE_INT32 dims: [ 3 ]", "dims: [ 3 ]"
    ),
    "another rank": Edit("E312", ENSEMBLE, "TYPE_INT32 dims: [ 2 ]", "TYPE_INT32 dims: [ -1, 2 ]", "[ -1, 2 ]"),
    "a larger batch than the members": Edit(
        "E313", ENSEMBLE, "max_batch_size: 8", "max_batch_size: 16", 'e: "preprocess"'
    ),
    "a member without a batch": Edit("W314", "preprocess/config.pbtxt", "max_batch_size: 8", "", path=ENSEMBLE),
    "a step without a model": Edit("E315", ENSEMBLE, '      model_name: "preprocess"\n', "", None),
    "an ensemble in itself": Edit(
        "E316",
        ENSEMBLE,
        'model_name: "preprocess"',
        'model_name: "image_classifier"',
        None,
        also=frozenset({"E302", "E303", "E304", "E311", "E312"}),
    ),
    "an ensemble with instances": Edit(
        "E317", ENSEMBLE, "max_batch_size: 8", "max_batch_size: 8\ninstance_group [ { count: 1 } ]", "instance_group"
    ),
    # E4: the graph against its configuration
    "a tensor that the graph lacks": Edit(
        "E405", CONFIG, 'name: "EMBEDDING"', 'name: "FEATURES"', '"FEATURES"', also=frozenset({"E304"})
    ),
    "another type than the graph": Edit(
        "E406", CONFIG, "TYPE_FP32 dims: [ 9 ]", "TYPE_FP16 dims: [ 9 ]", "TYPE_FP16", also=frozenset({"E311"})
    ),
    "another shape than the graph": Edit(
        "E407", CONFIG, "TYPE_FP32 dims: [ 9 ]", "TYPE_FP32 dims: [ 8 ]", "dims: [ 8 ]", also=frozenset({"E312"})
    ),
    "a shape that varies, where the graph's does not": Edit(
        "E407", CONFIG, "TYPE_FP32 dims: [ 9 ]", "TYPE_FP32 dims: [ -1 ]", "dims: [ -1 ]"
    ),
    # E5: labels
    "a label file that is missing": Edit(
        "E501", CONFIG, '"classes.txt"', '"names.txt"', '"names.txt"', also=frozenset({"E113"})
    ),
}


@pytest.mark.parametrize("defect", EDITS)
def test_a_defect_of_a_configuration_is_found_at_its_line(repository: Path, defect: str) -> None:
    edit = EDITS[defect]
    path, line = edit.plant(repository)
    findings = lint(repository)
    hits = [finding for finding in findings if finding.code == edit.code]
    assert hits, [f"{finding.place} {finding.code} {finding.message}" for finding in findings]
    assert hits[0].path == path
    if line is not None:
        assert line in {finding.line for finding in hits}
    assert {finding.code for finding in findings} <= {edit.code} | edit.also
