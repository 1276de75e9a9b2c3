"""Repositories that Triton and lint both refuse for their files, their ensembles or their graphs."""

from collections.abc import Callable, Mapping

import onnx
from onnx import helper

from .repositories import (
    CODE,
    GRAPH,
    NET,
    PAIR,
    SCALE,
    SUM,
    Case,
    Cure,
    Edit,
    add,
    append,
    changed_graph,
    copy,
    cured,
    encoded,
    ensemble,
    graph,
    move,
    remove,
    replace,
)
from .served import (
    FROM_FILE,
    GROUP,
    INPUT,
    OUTER,
    OUTPUT,
    TOTAL,
    VALUES,
    WARM,
    WARM_NET,
    every,
    model,
    net,
    outer,
    pair,
    scale,
    settings,
    warm_net,
    warm_up,
)


def _graph(change: Callable[[onnx.ModelProto], None]) -> Case:
    return net(changed_graph(change))


def _opset(version: int) -> Case:
    def change(edited: onnx.ModelProto) -> None:
        edited.opset_import[0].version = version

    return _graph(change)


def _rename_output(edited: onnx.ModelProto) -> None:
    edited.graph.output[0].name = edited.graph.node[1].output[0] = "SCORES"


def _rename_input(edited: onnx.ModelProto) -> None:
    edited.graph.input[0].name = edited.graph.node[0].input[0] = "PIXELS"


def _own_operator(edited: onnx.ModelProto) -> None:
    edited.opset_import.append(helper.make_opsetid("own.operators", 1))
    edited.graph.node[1].domain = "own.operators"


def _no_opset(edited: onnx.ModelProto) -> None:
    del edited.opset_import[:]


def _no_nodes(edited: onnx.ModelProto) -> None:
    del edited.graph.node[:]


def _unknown_operator(edited: onnx.ModelProto) -> None:
    edited.graph.node[1].op_type = "MatMull"


def _no_weight(edited: onnx.ModelProto) -> None:
    del edited.graph.initializer[:]


def _made_twice(edited: onnx.ModelProto) -> None:
    edited.graph.node.append(edited.graph.node[1])


def _too_large(edited: onnx.ModelProto) -> None:
    edited.graph.initializer[0].dims[:] = [400, 300]


def _sound_graph() -> Edit:
    return add(GRAPH, graph())


def _external(edited: onnx.ModelProto) -> None:
    tensor = edited.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")


_STEP_0 = "      model_version: -1\n"
_SECOND = 'input_map { key: "VALUES" value: "SCALED" }'
_LAST = 'output_map { key: "TOTAL" value: "TOTAL" }'
_LABELLED = OUTPUT.replace("}", 'label_filename: "labels.txt" }')
_COUNTED = _LAST + ' output_map { key: "COUNT" value: "%s" }'
_TOTAL_STEP = "model_version: 1"


REFUSED_REPOSITORIES: Mapping[str, Case] = {
    # versions
    "no version folder": cured(
        model(move("scale/1/model.py", "scale/model.py")),
        "E114",
        "move it into a version folder",
        move("scale/model.py", "scale/1/model.py"),
    ),
    "a leading zero": cured(model(move("scale/1", "scale/01")), "E113", "rename it to 1", move("scale/01", "scale/1")),
    "two zeros": model(move("scale/1", "scale/00")),
    "a version with a letter": cured(
        model(move("scale/1", "scale/v1")), "E113", "rename it to 1", move("scale/v1", "scale/1")
    ),
    "a version that begins with a number": cured(
        model(move("scale/1", "scale/1abc")), "E113", "rename it to 1", move("scale/1abc", "scale/1")
    ),
    "a version with a dot": model(move("scale/1", "scale/1.0")),
    "a negative version": cured(model(move("scale/1", "scale/-1")), "E116", "rename it", move("scale/-1", "scale/1")),
    "a version of 64 bits": cured(
        model(move("scale/1", "scale/9223372036854775808")),
        "E113",
        "rename it to 1",
        move("scale/9223372036854775808", "scale/1"),
    ),
    "a file for a version": model(remove("scale/1"), add("scale/1", b"x")),
    "the latest none": cured(
        settings("version_policy { latest { num_versions: 0 } }"),
        "E215",
        "write num_versions: 1",
        replace(SCALE, "num_versions: 0", "num_versions: 1"),
    ),
    "a latest that says nothing": settings("version_policy { latest { } }"),
    "no specific version": settings("version_policy { specific { } }"),
    "a specific version that is missing": cured(
        settings("version_policy { specific { versions: [ 3 ] } }"),
        "E215",
        "name versions on disk",
        replace(SCALE, "[ 3 ]", "[ 1 ]"),
    ),
    "all versions, one without its file": settings("version_policy { all { } }", add("scale/3", None)),
    # files
    "an empty version": cured(
        model(remove("scale/1"), add("scale/1", None)),
        "E122",
        "put the file there",
        add("scale/1/model.py", CODE.encode()),
    ),
    "code of a name that nothing names": cured(
        model(move("scale/1/model.py", "scale/1/other.py")),
        "E122",
        'default_model_filename: "other.py"',
        append(SCALE, 'default_model_filename: "other.py"'),
    ),
    "code that is a folder": model(move("scale/1/model.py", "scale/1/model.py/model.py")),
    "code without a byte": cured(
        model(add("scale/1/model.py", b"")), "E122", "write the model's code", add("scale/1/model.py", CODE.encode())
    ),
    "missing labels": cured(
        scale(OUTPUT, _LABELLED), "E501", "into the model's folder", add("scale/labels.txt", b"a\nb\nc\nd\n")
    ),
    "labels that are a folder": scale(OUTPUT, _LABELLED, add("scale/labels.txt/x", b"")),
    "labels elsewhere": scale(OUTPUT, _LABELLED.replace("labels.txt", "/etc/hostname")),
    # warm-ups
    "a warm-up too large": cured(
        warm_up(f"batch_size: 9 {WARM}"), "E214", "at most 8", replace(SCALE, "batch_size: 9", "batch_size: 8")
    ),
    "a warm-up of nothing": cured(
        warm_up("batch_size: 1"),
        "E214",
        "add the input 'RAW'",
        replace(SCALE, "batch_size: 1", f"batch_size: 1 {WARM}"),
    ),
    "a warm-up of another type": cured(
        warm_up(f"batch_size: 1 {WARM}".replace("FP32", "INT32")),
        "E214",
        "write data_type: TYPE_FP32",
        replace(SCALE, "INT32", "FP32"),
    ),
    "a warm-up of another size": cured(
        warm_up(f"batch_size: 1 {WARM}".replace("4", "5")),
        "E214",
        "the dims of the model's input",
        replace(SCALE, "[ 5 ]", "[ 4 ]"),
    ),
    "a warm-up of another rank": warm_up(f"batch_size: 1 {WARM}".replace("4", "2, 2")),
    "a warm-up of a variable size": warm_up(f"batch_size: 1 {WARM}".replace("4", "-1")),
    "a warm-up without data": cured(
        warm_up(f"batch_size: 1 {WARM}".replace("zero_data: true", "")),
        "E214",
        "write zero_data: true",
        replace(SCALE, "dims: [ 4 ]  }", "dims: [ 4 ] zero_data: true }"),
    ),
    "a warm-up of a missing file": cured(
        warm_up(f"batch_size: 1 {FROM_FILE}"), "E214", "as warmup/first", add("scale/warmup/first", bytes(16))
    ),
    "a warm-up of a short file": cured(
        warm_up(f"batch_size: 1 {FROM_FILE}", add("scale/warmup/first", bytes(8))),
        "E214",
        "write all elements",
        add("scale/warmup/first", bytes(16)),
    ),
    # ensembles
    "a step without a version": cured(
        pair(replace(PAIR, _STEP_0, "")),
        "E302",
        "write model_version: -1",
        replace(PAIR, 'model_name: "scale"\n', f'model_name: "scale"\n{_STEP_0}'),
    ),
    "a step of version 0 that is missing": cured(
        pair(replace(PAIR, "model_version: -1", "model_version: 0")),
        "E302",
        "write model_version: -1",
        replace(PAIR, "model_version: 0", "model_version: -1"),
    ),
    "a step of version 0 that is not kept": pair(
        replace(PAIR, "model_version: -1", "model_version: 0"), copy("scale/1", "scale/0")
    ),
    "a step of version -2": pair(replace(PAIR, "model_version: -1", "model_version: -2")),
    "a step of a missing version": cured(
        pair(replace(PAIR, _TOTAL_STEP, "model_version: 2")),
        "E302",
        "or a version that is served",
        replace(PAIR, "model_version: 2", "model_version: 1"),
    ),
    "a step of a version that is not kept": pair(copy("sum/1", "sum/2")),
    "an ensemble in an ensemble without a version": Case(
        ensemble,
        (outer, replace("outer/config.pbtxt", " model_version: -1", "")),
        Cure("E302", "write model_version: -1", (add("outer/config.pbtxt", OUTER.encode()),)),
    ),
    "a missing member": cured(
        pair(replace(PAIR, 'model_name: "sum"', 'model_name: "total"')),
        "E301",
        "name another",
        replace(PAIR, '"total"', '"sum"'),
    ),
    "a member without its folder": pair(remove("sum")),
    "a member that Triton cannot read": pair(append(SCALE, "nothing: 1")),
    "a step without a model": pair(replace(PAIR, '      model_name: "sum"\n', "")),
    "a step without inputs": pair(replace(PAIR, f"      {_SECOND}\n", "")),
    "a step without outputs": pair(replace(PAIR, f"      {_LAST}\n", "")),
    "an input that the member lacks": cured(
        pair(replace(PAIR, 'key: "VALUES"', 'key: "NO"')),
        "E304",
        "a tensor that it has",
        replace(PAIR, '"NO"', '"VALUES"'),
    ),
    "an output that the member lacks": cured(
        pair(replace(PAIR, 'output_map { key: "TOTAL"', 'output_map { key: "NO"')),
        "E304",
        "a tensor that it has",
        replace(PAIR, '"NO"', '"TOTAL"'),
    ),
    "an input that gets nothing": cured(
        pair(replace(SUM, VALUES, f"{VALUES}, {VALUES}".replace("VALUES", "MORE", 1))),
        "E303",
        "map a tensor to it",
        replace(PAIR, _SECOND, f'{_SECOND} input_map {{ key: "MORE" value: "RAW" }}'),
    ),
    "a tensor from nowhere": cured(
        pair(replace(PAIR, 'output_map { key: "SCALED" value: "SCALED"', 'output_map { key: "SCALED" value: "OTHER"')),
        "E305",
        "correct the name",
        replace(PAIR, 'value: "SCALED"', 'value: "OTHER"'),
    ),
    "an output that nobody reads": cured(
        pair(replace(PAIR, _LAST, _COUNTED % "COUNT")),
        "E307",
        "leave it out of output_map",
        replace(PAIR, _COUNTED % "COUNT", _LAST),
    ),
    "a step that nobody needs": cured(
        pair(replace(PAIR, 'key: "VALUES" value: "SCALED"', 'key: "VALUES" value: "RAW"')),
        "E307",
        "remove the step",
        encoded(
            PAIR,
            lambda content: (
                content[: content.index(b"    {\n")] + content[content.index(b'    {\n      model_name: "sum"') :]
            ),
        ),
    ),
    "a tensor from two steps": cured(
        pair(replace(PAIR, _LAST, _COUNTED % "SCALED")),
        "E306",
        "leave it out of output_map",
        replace(PAIR, _COUNTED % "SCALED", _LAST),
    ),
    "a tensor twice from one step": pair(replace(PAIR, _LAST, _COUNTED % "TOTAL")),
    "an input that is produced": pair(replace(PAIR, _LAST, _COUNTED % "RAW")),
    "an output that nothing produces": cured(
        pair(replace(PAIR, TOTAL, f"{TOTAL}, {TOTAL}".replace("TOTAL", "EXTRA", 1))),
        "E308",
        "remove the output",
        replace(PAIR, f"{TOTAL}, ".replace("TOTAL", "EXTRA"), ""),
    ),
    "an input that nobody reads": cured(
        pair(replace(PAIR, INPUT, f"{INPUT}, {INPUT}".replace("RAW", "EXTRA", 1))),
        "E310",
        "or remove it",
        replace(PAIR, f"{INPUT}, ".replace("RAW", "EXTRA"), ""),
    ),
    "no inputs of the ensemble": pair(replace(PAIR, f"input [\n  {INPUT}\n]\n", "")),
    "no outputs of the ensemble": pair(replace(PAIR, f"output [\n  {TOTAL}\n]\n", "")),
    "steps in a circle": pair(
        replace(SCALE, "input [\n", 'input [\n  { name: "BACK" data_type: TYPE_INT32 dims: [ 1 ] },\n'),
        replace(PAIR, 'value: "RAW" }\n', 'value: "RAW" } input_map { key: "BACK" value: "BACK" }\n'),
        replace(PAIR, _LAST, _COUNTED % "BACK"),
    ),
    "an ensemble in itself": pair(
        replace(PAIR, 'model_name: "sum"', 'model_name: "pair"'), replace(PAIR, 'key: "VALUES"', 'key: "RAW"')
    ),
    "ensembles in a circle": pair(
        outer,
        replace(PAIR, 'model_name: "sum"', 'model_name: "outer"'),
        replace(PAIR, 'key: "VALUES"', 'key: "RAW"'),
        replace(PAIR, 'output_map { key: "TOTAL"', 'output_map { key: "RESULT"'),
    ),
    "another type at the input": cured(
        pair(replace(PAIR, INPUT, INPUT.replace("FP32", "INT32"))),
        "E311",
        "make the types alike",
        replace(PAIR, "INT32", "FP32"),
    ),
    "another type inside": pair(replace(SUM, VALUES, VALUES.replace("FP32", "INT32"))),
    "another type at the output": pair(replace(PAIR, TOTAL, TOTAL.replace("FP32", "INT32"))),
    "another size at the input": cured(
        pair(replace(PAIR, INPUT, INPUT.replace("4", "5"))),
        "E312",
        "make the dimensions alike",
        replace(PAIR, "[ 5 ]", "[ 4 ]"),
    ),
    "another size inside": pair(replace(SUM, VALUES, VALUES.replace("4", "5"))),
    "another rank inside": pair(replace(SUM, VALUES, VALUES.replace("4", "-1, 4"))),
    "a reshape at the output": pair(replace(PAIR, TOTAL, TOTAL.replace("}", "reshape { shape: [ ] } }"))),
    "a larger batch than the members": cured(
        pair(replace(PAIR, "max_batch_size: 8", "max_batch_size: 16")),
        "E313",
        "lower the ensemble's max_batch_size",
        replace(PAIR, "max_batch_size: 16", "max_batch_size: 8"),
    ),
    "an ensemble with instances": cured(
        pair(append(PAIR, f"instance_group [ {GROUP} ]")),
        "E317",
        "remove the key",
        replace(PAIR, f"instance_group [ {GROUP} ]", ""),
    ),
    "an ensemble with optimization": pair(append(PAIR, "optimization { }")),
    "an ensemble with a warm-up": pair(append(PAIR, f"model_warmup [ {{ batch_size: 1 {WARM} }} ]")),
    "an ensemble with a batcher": pair(append(PAIR, "dynamic_batching { }")),
    "an ensemble without a version": cured(
        pair(remove("pair/1")), "E121", "a folder called 1", add("pair/1/release", b"1\n")
    ),
    "an ensemble of no steps": pair(encoded(PAIR, lambda content: content[: content.index(b"  step [")] + b"}\n")),
    "an ensemble of no scheduling": pair(encoded(PAIR, lambda content: content[: content.index(b"ensemble_sch")])),
    # graphs
    "no graph": cured(net(remove(GRAPH), add("net/1", None)), "E122", "put the file there", _sound_graph()),
    "a graph of a name that nothing names": cured(
        net(move(GRAPH, "net/1/net.onnx")), "E122", "rename 'net.onnx' to 'model.onnx'", move("net/1/net.onnx", GRAPH)
    ),
    "half a graph": cured(
        net(encoded(GRAPH, lambda content: content[: len(content) // 2])),
        "E401",
        "export the model again",
        _sound_graph(),
    ),
    "text for a graph": net(add(GRAPH, b"this is no graph\n")),
    "a pointer of git-lfs for a graph": net(
        add(GRAPH, b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n")
    ),
    "a graph without a byte": net(add(GRAPH, b"")),
    "bytes after a graph": net(encoded(GRAPH, lambda content: content + b"garbage!")),
    "opset 5": cured(_opset(5), "E409", "with opset 7 or newer", _sound_graph()),
    "opset 0": _opset(0),
    "opset 999": cured(_opset(999), "E409", "with an older opset", _sound_graph()),
    "IR version 999": net(add(GRAPH, graph(ir_version=999))),
    "no opset": _graph(_no_opset),
    "no nodes": _graph(_no_nodes),
    "operators of somebody's own": _graph(_own_operator),
    "a misspelt operator": cured(_graph(_unknown_operator), "E403", "with ONNX's operators", _sound_graph()),
    "a missing weight": _graph(_no_weight),
    "a tensor that is made twice": _graph(_made_twice),
    "a weight larger than the file": _graph(_too_large),
    "weights in a missing file": cured(_graph(_external), "E402", "with its weights inside the file", _sound_graph()),
    "another output than the graph": cured(
        warm_net(changed_graph(_rename_output)),
        "E405",
        "name the graph's tensors",
        replace(NET, '"LOGITS"', '"SCORES"'),
    ),
    "another input than the graph": cured(
        warm_net(changed_graph(_rename_input)), "E405", "name the graph's tensors", every(NET, "VALUES", "PIXELS")
    ),
    "another type than the graph": cured(
        warm_net(add(GRAPH, graph(dtype=onnx.TensorProto.DOUBLE))),
        "E406",
        "write the graph's type",
        every(NET, "FP32 dims: [ 4 ]", "FP64 dims: [ 4 ]"),
    ),
    "another size than the graph": cured(
        net(append(NET, f"model_warmup [ {{ batch_size: 1 {WARM_NET} }} ]"), every(NET, "[ 4 ]", "[ 5 ]")),
        "E407",
        "write the graph's shape",
        every(NET, "[ 5 ]", "[ 4 ]"),
    ),
}
