"""Repositories that Triton serves and lint has to pass: unusual, and legal."""

from collections.abc import Mapping

import onnx
from onnx import TensorProto, helper

from .repositories import (
    GRAPH,
    NET,
    PAIR,
    SCALE,
    SCALE_CONFIG,
    SUM,
    Case,
    Edit,
    Files,
    add,
    append,
    changed_graph,
    copy,
    encoded,
    ensemble,
    graph,
    move,
    network,
    one_model,
    remove,
    replace,
)

INPUT = '{ name: "RAW" data_type: TYPE_FP32 dims: [ 4 ] }'
OUTPUT = '{ name: "SCALED" data_type: TYPE_FP32 dims: [ 4 ] }'
TOTAL = '{ name: "TOTAL" data_type: TYPE_FP32 dims: [ 1 ] }'
VALUES = '{ name: "VALUES" data_type: TYPE_FP32 dims: [ 4 ] }'
GROUP = "{ count: 1 kind: KIND_CPU }"
WARM = 'inputs { key: "RAW" value: { data_type: TYPE_FP32 dims: [ 4 ] zero_data: true } }'
FROM_FILE = WARM.replace("zero_data: true", 'input_data_file: "first"')
WARM_NET = WARM.replace("RAW", "VALUES")
UNBATCHED = replace(SCALE, "max_batch_size: 8", "max_batch_size: 0")
TYPES = (
    *("BOOL", "STRING", "FP16", "FP32", "FP64", "BF16"),
    *(f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)),
)
OUTER = """\
name: "outer"
platform: "ensemble"
max_batch_size: 8
input { name: "RAW" data_type: TYPE_FP32 dims: [ 4 ] }
output { name: "RESULT" data_type: TYPE_FP32 dims: [ 1 ] }
ensemble_scheduling { step {
  model_name: "pair" model_version: -1
  input_map { key: "RAW" value: "RAW" }
  output_map { key: "TOTAL" value: "RESULT" }
} }
"""


def model(*edits: Edit) -> Case:
    """A Python model, edited."""
    return Case(one_model, edits)


def settings(text: str, *edits: Edit) -> Case:
    """A Python model with these lines at the end of its configuration."""
    return Case(one_model, (append(SCALE, text), *edits))


def scale(old: str, new: str, *edits: Edit) -> Case:
    """A Python model with one replacement in its configuration."""
    return Case(one_model, (replace(SCALE, old, new), *edits))


def warm_up(text: str, *edits: Edit) -> Case:
    """A Python model with a warm-up."""
    return settings(f"model_warmup [ {{ {text} }} ]", *edits)


def pair(*edits: Edit) -> Case:
    """An ensemble, edited."""
    return Case(ensemble, edits)


def net(*edits: Edit) -> Case:
    """An ONNX model, edited."""
    return Case(network, edits)


def warm_net(*edits: Edit) -> Case:
    """An ONNX model that answers one request before it is ready."""
    return Case(network, (*edits, append(NET, f"model_warmup [ {{ batch_size: 1 {WARM_NET} }} ]")))


def every(path: str, old: str, new: str) -> Edit:
    """Replace each `old` in a file."""
    return encoded(path, lambda content: content.replace(old.encode(), new.encode()))


def outer(files: Files) -> None:
    """Put the ensemble into another ensemble."""
    files["outer/1/release"] = b"1\n"
    files["outer/config.pbtxt"] = OUTER.encode()


def _reversed_nodes(changed: onnx.ModelProto) -> None:
    nodes = list(changed.graph.node)[::-1]
    del changed.graph.node[:]
    changed.graph.node.extend(nodes)


def _set_opset(version: int) -> Edit:
    def change(changed: onnx.ModelProto) -> None:
        changed.opset_import[0].version = version

    return changed_graph(change)


def _microsoft_operator(changed: onnx.ModelProto) -> None:
    changed.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    changed.graph.node[1].output[0] = "before"
    changed.graph.node.append(helper.make_node("Gelu", ["before"], ["LOGITS"], domain="com.microsoft"))


def _further_output(changed: onnx.ModelProto) -> None:
    changed.graph.output.append(helper.make_tensor_value_info("floats", TensorProto.FLOAT, ["N", 4]))


def _default_as_input(changed: onnx.ModelProto) -> None:
    changed.graph.input.append(helper.make_tensor_value_info("head", TensorProto.FLOAT, [4, 3]))


def _no_shape(changed: onnx.ModelProto) -> None:
    changed.graph.output[0].type.tensor_type.ClearField("shape")


def sequences(text: str) -> Case:
    """A Python model with a sequence batcher."""
    return settings(f"sequence_batching {{ {text} }}")


def control(text: str) -> Case:
    """A Python model whose sequence batcher has one control."""
    return sequences(f'control_input {{ name: "CONTROL" control {{ {text} }} }}')


def state(initial: str, *edits: Edit) -> Case:
    """A Python model whose sequences have a state that starts so."""
    text = (
        f'state {{ input_name: "I" output_name: "O" data_type: TYPE_FP32 dims: [ 1 ] initial_state {{ {initial} }} }}'
    )
    return settings(f"sequence_batching {{ {text} }}", *edits)


_LABELLED = OUTPUT.replace(" }", ' label_filename: "labels.txt" }')

SERVED: Mapping[str, Case] = {
    "a Python model": model(),
    "an ensemble": pair(),
    "a graph": net(),
    # the text of a configuration
    "CRLF": model(every(SCALE, "\n", "\r\n")),
    "comments, in UTF-8": model(every(SCALE, "\n", " # größer\n")),
    "a form feed": settings("\f"),
    "semicolons": scale("max_batch_size: 8", "max_batch_size: 8;"),
    "a comma between keys": scale("max_batch_size: 8", "max_batch_size: 8,"),
    "single quotes": scale('"python"', "'python'"),
    "adjacent strings": scale('"python"', '"py" "thon"'),
    "an escape": scale('"RAW"', '"R\\x41W"'),
    "an octal escape": settings('parameters { key: "a" value { string_value: "\\303\\251" } }'),
    "angle brackets": scale(INPUT, INPUT.replace("{", "<").replace("}", ">")),
    "no list where one value is": scale(f"input [\n  {INPUT}\n]", f"input {INPUT.replace('[ 4 ]', '4')}"),
    "a colon before a list of messages": scale("instance_group [", "instance_group: ["),
    "a hexadecimal number": scale("max_batch_size: 8", "max_batch_size: 0x8"),
    "an octal number": scale("max_batch_size: 8", "max_batch_size: 010"),
    "a float with its suffix": sequences("direct { minimum_slot_utilization: 0.5f }"),
    "an enumeration by its number": scale("TYPE_FP32 dims", "11 dims"),
    "a short boolean": scale(INPUT, INPUT.replace("}", "optional: t }")),
    "a parameter twice": settings('parameters { key: "a" value { } }\nparameters { key: "a" value { } }'),
    "a parameter in UTF-8": settings('parameters { key: "a" value { string_value: "é" } }'),
    # names and backends
    "no name": scale('name: "scale"\n', ""),
    "a name of all that a shell leaves alone": model(
        move("scale", "a-b.c_1@2+x=y,z"), replace("a-b.c_1@2+x=y,z/config.pbtxt", '"scale"', '"a-b.c_1@2+x=y,z"')
    ),
    "a tensor's name in UTF-8": scale('"RAW"', '"größe"'),
    "an old platform": net(replace(NET, 'backend: "onnxruntime"', 'platform: "onnxruntime_onnx"')),
    "a backend and its platform": net(append(NET, 'platform: "onnxruntime_onnx"')),
    "a platform that nobody knows, beside a backend": settings('platform: "nothing"'),
    "code of another name": settings(
        'default_model_filename: "other.py"', move("scale/1/model.py", "scale/1/other.py")
    ),
    "a graph of another name": net(
        append(NET, 'default_model_filename: "graph.onnx"'), move(GRAPH, "net/1/graph.onnx")
    ),
    "a class from a module beside the model": model(
        move("scale/1/model.py", "scale/1/other.py"), add("scale/1/model.py", b"from other import TritonPythonModel\n")
    ),
    # tensors
    "no batch": model(UNBATCHED),
    "no max_batch_size": scale("max_batch_size: 8\n", ""),
    "the largest max_batch_size": scale("max_batch_size: 8", "max_batch_size: 2147483647"),
    "variable dims": scale("dims: [ 4 ]", "dims: [ -1, -1 ]"),
    "ten dims": scale("dims: [ 4 ]", f"dims: {[1] * 10}"),
    "a reshape": scale(INPUT, INPUT.replace("}", "reshape { shape: [ 2, 2 ] } }")),
    "a reshape to a scalar": scale(INPUT, INPUT.replace("4", "1").replace("}", "reshape { shape: [ ] } }")),
    "a reshape of a variable size": scale(
        INPUT, INPUT.replace("4", "-1").replace("}", "reshape { shape: [ -1, 1 ] } }")
    ),
    "a reshape beside a variable size": scale(
        INPUT, INPUT.replace("4", "-1, 4").replace("}", "reshape { shape: [ -1, 2, 2 ] } }")
    ),
    "an input and an output of one name": scale('"SCALED"', '"RAW"'),
    "no inputs": scale(f"input [\n  {INPUT}\n]\n", ""),
    "no outputs": scale(f"output [\n  {OUTPUT}\n]\n", ""),
    "every type": scale(INPUT, ", ".join(f'{{ name: "{each}" data_type: TYPE_{each} dims: [ 1 ] }}' for each in TYPES)),
    "an image format": scale(INPUT, INPUT.replace("4", "3, 4, 4").replace("}", "format: FORMAT_NCHW }")),
    "an optional input": scale(INPUT, INPUT.replace("}", "optional: true }")),
    "a ragged input": scale(INPUT, INPUT.replace("}", "allow_ragged_batch: true }")),
    # instances
    "two instances": scale("count: 1", "count: 2"),
    "no count": scale("count: 1 ", ""),
    "two groups of one name": scale(GROUP, f"{GROUP}, {GROUP}".replace("{", '{ name: "g"')),
    "no groups": scale(f"instance_group [ {GROUP} ]\n", ""),
    "an empty list of groups": scale(f"[ {GROUP} ]", "[ ]"),
    "KIND_AUTO": scale("KIND_CPU", "KIND_AUTO"),
    "KIND_MODEL": scale("KIND_CPU", "KIND_MODEL"),
    "a rate limiter": scale("KIND_CPU", 'KIND_CPU rate_limiter { resources { name: "R" count: 1 } priority: 1 }'),
    # scheduling
    "dynamic batching": settings("dynamic_batching { preferred_batch_size: [ 4, 8 ] preserve_ordering: true }"),
    "dynamic batching without a batch": settings("dynamic_batching { }", UNBATCHED),
    "priorities": settings(
        "dynamic_batching { priority_levels: 2 default_priority_level: 1 "
        "priority_queue_policy { key: 2 value { max_queue_size: 1 timeout_action: DELAY } } }"
    ),
    "one priority with preserved order": settings(
        "dynamic_batching { preserve_ordering: true priority_levels: 1 default_priority_level: 1 }"
    ),
    "a default priority without levels": settings("dynamic_batching { default_priority_level: 3 }"),
    "sequences": sequences("direct { } max_sequence_idle_microseconds: 5000000"),
    "the oldest sequences": sequences("oldest { max_candidate_sequences: 4 preferred_batch_size: [ 4 ] }"),
    "a control": control("kind: CONTROL_SEQUENCE_START fp32_false_true: [ 0, 1 ]"),
    "a correlation": control("kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_STRING"),
    "a state": state('name: "zero" data_type: TYPE_FP32 dims: [ 1 ] zero_data: true'),
    "a state from a file": state(
        'name: "file" data_type: TYPE_FP32 dims: [ 1 ] data_file: "start"', add("scale/initial_state/start", bytes(4))
    ),
    "a count of a batch": settings(
        'batch_input { kind: BATCH_ELEMENT_COUNT target_name: "N" data_type: TYPE_FP32 source_input: "RAW" }'
    ),
    "a scattered output": settings(
        'batch_output { target_name: "SCALED" kind: BATCH_SCATTER_WITH_INPUT_SHAPE source_input: "RAW" }'
    ),
    "a cache where the server has none": settings("response_cache { enable: true }"),
    "a decoupled model": settings("model_transaction_policy { decoupled: true }"),
    "optimization": settings("optimization { priority: PRIORITY_MAX input_pinned_memory { enable: false } }"),
    "threads": net(append(NET, 'parameters { key: "intra_op_thread_count" value { string_value: "1" } }')),
    # versions
    "version 0": model(move("scale/1", "scale/0")),
    "the largest version": model(move("scale/1", "scale/9223372036854775807")),
    "two versions, the older one empty": model(move("scale/1", "scale/3"), add("scale/1", None)),
    "all versions": settings("version_policy { all { } }", copy("scale/1", "scale/3")),
    "the latest nine of one": settings("version_policy { latest { num_versions: 9 } }"),
    "one version of two": settings("version_policy { specific { versions: [ 1 ] } }", copy("scale/1", "scale/3")),
    "a policy that says nothing": settings("version_policy { }"),
    # files
    "labels": scale(OUTPUT, _LABELLED, add("scale/labels.txt", b"a\nb\nc\nd\n")),
    "labels with CRLF": scale(OUTPUT, _LABELLED, add("scale/labels.txt", b"a\r\nb\r\nc\r\nd\r\n")),
    "labels in a folder": scale(
        OUTPUT, _LABELLED.replace("labels.txt", "names/labels.txt"), add("scale/names/labels.txt", b"a\nb\nc\nd\n")
    ),
    "another form of the configuration": model(add("scale/configs/gpu.pbtxt", SCALE_CONFIG.encode())),
    "a warm-up": warm_up(f'name: "first" batch_size: 1 count: 3 {WARM}'),
    "a warm-up without a batch": warm_up(WARM, UNBATCHED),
    "a warm-up from a file": warm_up(f"batch_size: 1 {FROM_FILE}", add("scale/warmup/first", bytes(16))),
    "a warm-up of text from a file": warm_up(
        f"batch_size: 1 {FROM_FILE}".replace("FP32 dims: [ 4 ]", "STRING dims: [ 1 ]"),
        replace(SCALE, INPUT, INPUT.replace("FP32 dims: [ 4 ]", "STRING dims: [ 1 ]")),
        add("scale/warmup/first", b"\x03\0\0\0abc"),
    ),
    "a warm-up without an optional input": warm_up(
        f"batch_size: 1 {WARM}",
        replace(SCALE, INPUT, INPUT + ', { name: "MORE" data_type: TYPE_FP32 dims: [ 1 ] optional: true }'),
    ),
    # ensembles
    "a step of version 0": pair(replace(PAIR, "model_version: -1", "model_version: 0"), move("scale/1", "scale/0")),
    "a step without a version, of a model with version 0": pair(
        replace(PAIR, "      model_version: -1\n", ""), move("scale/1", "scale/0")
    ),
    "version 0 among those that are kept": pair(
        replace(PAIR, "model_version: -1", "model_version: 0"),
        copy("scale/1", "scale/0"),
        append(SCALE, "version_policy { all { } }"),
    ),
    "an older version that is kept": pair(copy("sum/1", "sum/2"), append(SUM, "version_policy { all { } }")),
    "an optional input that gets nothing": pair(
        replace(SUM, VALUES, VALUES + ', { name: "MORE" data_type: TYPE_FP32 dims: [ 4 ] optional: true }')
    ),
    "an output that is the input": pair(replace(PAIR, TOTAL, f"{TOTAL}, {INPUT}")),
    "an output from the middle": pair(replace(PAIR, TOTAL, f"{TOTAL}, {OUTPUT}")),
    "a tensor for two steps": pair(
        replace(PAIR, 'key: "VALUES" value: "SCALED"', 'key: "VALUES" value: "RAW"'),
        replace(PAIR, TOTAL, f"{TOTAL}, {OUTPUT}"),
    ),
    "a model in two steps": pair(
        replace(PAIR, 'model_name: "sum"', 'model_name: "scale"'),
        replace(PAIR, 'key: "VALUES"', 'key: "RAW"'),
        replace(PAIR, 'output_map { key: "TOTAL"', 'output_map { key: "SCALED"'),
        replace(PAIR, TOTAL, TOTAL.replace("1", "4")),
    ),
    "an ensemble in an ensemble": pair(outer),
    "variable dims of the ensemble": pair(replace(PAIR, INPUT, INPUT.replace("4", "-1"))),
    "variable dims of a member": pair(replace(SUM, VALUES, VALUES.replace("4", "-1"))),
    "a reshape in a member": pair(replace(SUM, VALUES, VALUES.replace("}", "reshape { shape: [ 2, 2 ] } }"))),
    "a reshape of the ensemble's input": pair(
        replace(PAIR, INPUT, INPUT.replace("[ 4 ]", "[ 2, 2 ] reshape { shape: [ 4 ] }"))
    ),
    "a smaller batch than the members": pair(replace(PAIR, "max_batch_size: 8", "max_batch_size: 4")),
    "an ensemble without a batch": pair(replace(PAIR, "max_batch_size: 8", "max_batch_size: 0")),
    "a member without a batch": pair(UNBATCHED),
    "a member with the batch as a dimension": pair(UNBATCHED, every(SCALE, "[ 4 ]", "[ -1, 4 ]")),
    "an ensemble with parameters, cache and labels": pair(
        append(PAIR, 'parameters { key: "a" value { string_value: "b" } }\nresponse_cache { enable: true }'),
        replace(PAIR, TOTAL, TOTAL.replace("}", 'label_filename: "labels.txt" }')),
        add("pair/labels.txt", b"only\n"),
    ),
    "an empty version of an ensemble": pair(remove("pair/1"), add("pair/1", None)),
    "version 7 of an ensemble": pair(move("pair/1", "pair/7")),
    # graphs
    "a graph that answers": warm_net(),
    "nodes in any order": warm_net(changed_graph(_reversed_nodes)),
    "the oldest opset": net(_set_opset(7)),
    "the newest opset": net(_set_opset(onnx.defs.onnx_opset_version())),
    "the newest IR version": net(add(GRAPH, graph(ir_version=onnx.IR_VERSION))),
    "an operator of Microsoft's": warm_net(changed_graph(_microsoft_operator)),
    "an output that the configuration leaves out": warm_net(changed_graph(_further_output)),
    "a weight that is an input with a default": warm_net(changed_graph(_default_as_input)),
    "an output that says no shape": warm_net(changed_graph(_no_shape)),
    "a fixed batch without max_batch_size": net(
        add(GRAPH, graph(batch=1)),
        replace(NET, "max_batch_size: 8", "max_batch_size: 0"),
        replace(NET, "[ 4 ]", "[ 1, 4 ]"),
        replace(NET, "[ 3 ]", "[ 1, 3 ]"),
    ),
    "a second graph": net(copy(GRAPH, "net/1/other.onnx")),
}
