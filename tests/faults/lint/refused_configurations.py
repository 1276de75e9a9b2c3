"""Repositories that Triton and lint both refuse for what a configuration says by itself."""

from collections.abc import Mapping

from .repositories import (
    NET,
    PAIR,
    SCALE,
    SCALE_CONFIG,
    Case,
    add,
    append,
    cured,
    encoded,
    move,
    remove,
    replace,
)
from .served import (
    INPUT,
    OUTPUT,
    UNBATCHED,
    control,
    model,
    net,
    pair,
    scale,
    sequences,
    settings,
    state,
)

REFUSED_CONFIGURATIONS: Mapping[str, Case] = {
    # the text of a configuration
    "a byte order mark": cured(
        model(encoded(SCALE, lambda content: b"\xef\xbb\xbf" + content)),
        "E203",
        "without the mark",
        encoded(SCALE, lambda content: content[3:]),
    ),
    "UTF-16": cured(
        model(encoded(SCALE, lambda content: content.decode().encode("utf-16"))),
        "E203",
        "as UTF-8 text",
        encoded(SCALE, lambda content: content.decode("utf-16").encode()),
    ),
    "a NUL": settings("# \0"),
    "JSON": model(add(SCALE, b'{"name": "scale", "backend": "python"}\n')),
    "a space that is none of ASCII": scale("max_batch_size: 8", "max_batch_size:\u00a08"),
    "a number with a plus": scale("max_batch_size: 8", "max_batch_size: +8"),
    "a number with an underscore": scale("max_batch_size: 8", "max_batch_size: 8_0"),
    "a binary number": scale("max_batch_size: 8", "max_batch_size: 0b11"),
    "a float for an integer": scale("max_batch_size: 8", "max_batch_size: 8.0"),
    "a string for an integer": scale("max_batch_size: 8", 'max_batch_size: "8"'),
    "a number out of range": scale("max_batch_size: 8", "max_batch_size: 4294967296"),
    "a list for one value": scale("max_batch_size: 8", "max_batch_size: [ 8 ]"),
    "an escape that is none": settings('parameters { key: "a" value { string_value: "\\q" } }'),
    "a line feed in a string": scale('"python"', '"py\nthon"'),
    "a string without end": scale('"python"', '"python'),
    "an enumeration in quotes": scale("TYPE_FP32 dims", '"TYPE_FP32" dims'),
    "an unknown type": scale("TYPE_FP32 dims", "TYPE_FP31 dims"),
    "a boolean that is none": scale(INPUT, INPUT.replace("}", "optional: yes }")),
    "a comma at the end of a list": scale("[ 4 ]", "[ 4, ]"),
    "no comma in a list": scale("[ 4 ]", "[ 4 1 ]"),
    "two semicolons": scale("max_batch_size: 8", "max_batch_size: 8;;"),
    "a comment of C's": settings("// comment"),
    "a key twice": settings("max_batch_size: 4"),
    "two schedulers": settings("dynamic_batching { }\nsequence_batching { }"),
    "no end": settings("dynamic_batching {"),
    "an end too many": settings("}"),
    "a misspelt key": cured(
        scale("max_batch_size", "max_batchsize"),
        "E202",
        "write 'max_batch_size'",
        replace(SCALE, "max_batchsize", "max_batch_size"),
    ),
    "a misspelt inner key": cured(
        scale(INPUT, INPUT.replace("dims", "dim")), "E202", "write 'dims'", replace(SCALE, "dim:", "dims:")
    ),
    "a parameter without its message": settings('parameters { key: "a" value: "1" }'),
    # names and backends
    "no configuration": cured(model(remove(SCALE)), "E120", "write one", add(SCALE, SCALE_CONFIG.encode())),
    "a folder that is no model": cured(model(add("docs/readme.md", b"x")), "E120", "remove the folder", remove("docs")),
    "a hidden folder": cured(model(add(".git/config", b"x")), "E105", "remove it", remove(".git")),
    "another name": cured(
        scale('name: "scale"', 'name: "other"'), "E204", 'write name: "scale"', replace(SCALE, "other", "scale")
    ),
    "a name in capitals": cured(
        scale('name: "scale"', 'name: "Scale"'), "E204", 'write name: "scale"', replace(SCALE, "Scale", "scale")
    ),
    "a name with a space": cured(
        model(move("scale", "sc ale"), replace("sc ale/config.pbtxt", '"scale"', '"sc ale"')),
        "E116",
        "rename it",
        move("sc ale", "scale"),
        replace(SCALE, "sc ale", "scale"),
    ),
    "a name with a quotation mark": model(move("scale", "a'b"), replace("a'b/config.pbtxt", '"scale"', '"a\'b"')),
    "an unknown backend": cured(
        scale('"python"', '"pyton"'), "E205", "write 'python'", replace(SCALE, "pyton", "python")
    ),
    "a backend in capitals": cured(
        scale('"python"', '"Python"'), "E205", "write 'python'", replace(SCALE, "Python", "python")
    ),
    "the short name of a backend": cured(
        net(replace(NET, '"onnxruntime"', '"onnx"')),
        "E205",
        "write 'onnxruntime'",
        replace(NET, '"onnx"', '"onnxruntime"'),
    ),
    "a backend as a platform": cured(
        scale("backend:", "platform:"), "E205", 'write backend: "python"', replace(SCALE, "platform:", "backend:")
    ),
    "an unknown platform": scale('backend: "python"', 'platform: "nothing"'),
    "a platform of another backend": cured(
        net(append(NET, 'platform: "tensorrt_plan"')),
        "E205",
        "remove the platform",
        replace(NET, 'platform: "tensorrt_plan"', ""),
    ),
    "an ensemble as a backend": cured(
        pair(replace(PAIR, "platform:", "backend:")),
        "E205",
        'write platform: "ensemble"',
        replace(PAIR, "backend:", "platform:"),
    ),
    "an ensemble with a backend": cured(
        pair(append(PAIR, 'backend: "python"')), "E205", "remove the backend", replace(PAIR, 'backend: "python"\n', "")
    ),
    "an ensemble without its platform": cured(
        pair(replace(PAIR, 'platform: "ensemble"\n', "")),
        "E205",
        'write platform: "ensemble"',
        append(PAIR, 'platform: "ensemble"'),
    ),
    "an ensemble without steps": scale('backend: "python"', 'platform: "ensemble"'),
    "a runtime": cured(
        settings('runtime: "model.py"'), "E252", "remove the key", replace(SCALE, 'runtime: "model.py"', "")
    ),
    "a repository agent": cured(
        settings('model_repository_agents { agents { name: "checksum" } }'),
        "E255",
        "remove the key",
        replace(SCALE, 'model_repository_agents { agents { name: "checksum" } }', ""),
    ),
    "no repository agents": cured(
        settings("model_repository_agents { }"),
        "E255",
        "remove the key",
        replace(SCALE, "model_repository_agents { }", ""),
    ),
    "an environment": cured(
        settings('parameters { key: "EXECUTION_ENV_PATH" value { string_value: "/opt/environment.tar.gz" } }'),
        "E253",
        "remove the parameter",
        encoded(SCALE, lambda content: content[: content.index(b"parameters")]),
    ),
    "a parameter of the backend": cured(
        settings('parameters { key: "FORCE_CPU_ONLY_INPUT_TENSORS" value { string_value: "perhaps" } }'),
        "E223",
        'write "yes" or "no"',
        replace(SCALE, "perhaps", "no"),
    ),
    "threads in words": cured(
        net(append(NET, 'parameters { key: "intra_op_thread_count" value { string_value: "many" } }')),
        "E223",
        "write a whole number",
        replace(NET, "many", "2"),
    ),
    # tensors
    "a negative batch": cured(
        scale("max_batch_size: 8", "max_batch_size: -1"), "E210", "write 0", replace(SCALE, "size: -1", "size: 0")
    ),
    "a dimension of 0": cured(
        scale("dims: [ 4 ]", "dims: [ 0 ]"), "E208", "or -1 where it varies", replace(SCALE, "[ 0 ]", "[ -1 ]")
    ),
    "a dimension of -2": scale("dims: [ 4 ]", "dims: [ -2 ]"),
    "no dims": scale(" dims: [ 4 ]", ""),
    "no type": cured(
        scale("data_type: TYPE_FP32 ", ""),
        "E209",
        "give it both",
        replace(SCALE, 'name: "RAW"', 'name: "RAW" data_type: TYPE_FP32'),
    ),
    "an invalid type": scale("TYPE_FP32 dims", "TYPE_INVALID dims"),
    "no tensor's name": scale('name: "RAW" ', ""),
    "a reshape to other elements": cured(
        scale(INPUT, INPUT.replace("}", "reshape { shape: [ 3 ] } }")),
        "E216",
        "keep the number of elements",
        replace(SCALE, "[ 3 ]", "[ 2, 2 ]"),
    ),
    "a reshape of an output to other elements": scale(OUTPUT, OUTPUT.replace("}", "reshape { shape: [ 3 ] } }")),
    "a reshape to zero": scale(INPUT, INPUT.replace("}", "reshape { shape: [ 0 ] } }")),
    "a reshape to fewer variable sizes": scale(
        INPUT, INPUT.replace("4", "-1").replace("}", "reshape { shape: [ 4 ] } }")
    ),
    "a reshape to other elements beside a variable size": cured(
        scale(INPUT, INPUT.replace("4", "-1, 4").replace("}", "reshape { shape: [ -1, 2, 3 ] } }")),
        "E216",
        "keep the number of elements",
        replace(SCALE, "-1, 2, 3", "-1, 2, 2"),
    ),
    "a reshape that moves a variable size": scale(
        INPUT, INPUT.replace("4", "-1, 4, -1").replace("}", "reshape { shape: [ -1, -1, 4 ] } }")
    ),
    "a reshape to a scalar without a batch": model(
        UNBATCHED, replace(SCALE, INPUT, INPUT.replace("4", "1").replace("}", "reshape { shape: [ ] } }"))
    ),
    "an image format of one dimension": cured(
        scale(INPUT, INPUT.replace("}", "format: FORMAT_NHWC }")),
        "E217",
        "remove the format",
        replace(SCALE, "format: FORMAT_NHWC ", ""),
    ),
    "an image format that counts the batch": model(
        UNBATCHED, replace(SCALE, INPUT, INPUT.replace("4", "1, 4, 4, 3").replace("}", "format: FORMAT_NHWC }"))
    ),
    "a shape tensor": cured(
        scale(INPUT, INPUT.replace("}", "is_shape_tensor: true }")),
        "E217",
        "remove is_shape_tensor",
        replace(SCALE, "is_shape_tensor: true ", ""),
    ),
    "a vectorised layout": scale(INPUT, INPUT.replace("}", "is_non_linear_format_io: true }")),
    # instances
    "GPUs of a group on the CPU": cured(
        scale("KIND_CPU", "KIND_CPU gpus: [ 0 ]"), "E222", "remove gpus", replace(SCALE, "gpus: [ 0 ]", "")
    ),
    "GPUs of KIND_MODEL": scale("KIND_CPU", "KIND_MODEL gpus: [ 0 ]"),
    "an unknown kind": scale("KIND_CPU", "7"),
    "a profile": cured(
        scale("KIND_CPU", 'KIND_CPU profile: "0"'), "E222", "remove profile", replace(SCALE, 'profile: "0"', "")
    ),
    "a group whose name is two words": scale("count: 1", 'name: "a b" count: 1'),
    # scheduling
    "a preferred batch too large": cured(
        settings("dynamic_batching { preferred_batch_size: [ 16 ] }"),
        "E213",
        "within 1 to max_batch_size",
        replace(SCALE, "[ 16 ]", "[ 8 ]"),
    ),
    "a preferred batch of 0": settings("dynamic_batching { preferred_batch_size: [ 0 ] }"),
    "a preferred batch without a batch": settings("dynamic_batching { preferred_batch_size: [ 1 ] }", UNBATCHED),
    "a negative delay": settings("dynamic_batching { max_queue_delay_microseconds: -1 }"),
    "no default priority": cured(
        settings("dynamic_batching { priority_levels: 2 }"),
        "E218",
        "write a level from 1 to 2",
        replace(SCALE, "levels: 2", "levels: 2 default_priority_level: 1"),
    ),
    "a default priority too large": settings("dynamic_batching { priority_levels: 2 default_priority_level: 3 }"),
    "a policy of level 0": cured(
        settings(
            "dynamic_batching { priority_levels: 2 default_priority_level: 1 "
            "priority_queue_policy { key: 0 value { } } }"
        ),
        "E218",
        "write a key from 1 to 2",
        replace(SCALE, "key: 0", "key: 2"),
    ),
    "preserved order with priorities": cured(
        settings("dynamic_batching { preserve_ordering: true priority_levels: 2 default_priority_level: 1 }"),
        "E218",
        "remove preserve_ordering",
        replace(SCALE, "preserve_ordering: true", ""),
    ),
    "the oldest sequences in batches of 0": sequences(
        "oldest { max_candidate_sequences: 4 preferred_batch_size: [ 0 ] }"
    ),
    "a share of slots above 1": sequences("direct { minimum_slot_utilization: 2.5 }"),
    "a control without a name": sequences(
        "control_input { control { kind: CONTROL_SEQUENCE_END fp32_false_true: [ 0, 1 ] } }"
    ),
    "a control without values": cured(
        control("kind: CONTROL_SEQUENCE_START"),
        "E219",
        "write one of int32_false_true",
        replace(SCALE, "SEQUENCE_START", "SEQUENCE_START int32_false_true: [ 0, 1 ]"),
    ),
    "a control of one value": cured(
        control("kind: CONTROL_SEQUENCE_START fp32_false_true: [ 0 ]"),
        "E219",
        "write two values",
        replace(SCALE, "[ 0 ]", "[ 0, 1 ]"),
    ),
    "a control of two types": control(
        "kind: CONTROL_SEQUENCE_START bool_false_true: [ false, true ] int32_false_true: [ 0, 1 ]"
    ),
    "a control twice": sequences(
        'control_input [ { name: "A" control { kind: CONTROL_SEQUENCE_END fp32_false_true: [ 0, 1 ] } }, '
        '{ name: "B" control { kind: CONTROL_SEQUENCE_END fp32_false_true: [ 0, 1 ] } } ]'
    ),
    "two controls of one name": sequences(
        'control_input [ { name: "A" control { kind: CONTROL_SEQUENCE_START fp32_false_true: [ 0, 1 ] } }, '
        '{ name: "A" control { kind: CONTROL_SEQUENCE_END fp32_false_true: [ 0, 1 ] } } ]'
    ),
    "a correlation of no type": cured(
        control("kind: CONTROL_SEQUENCE_CORRID"),
        "E219",
        "one of TYPE_UINT64",
        replace(SCALE, "SEQUENCE_CORRID", "SEQUENCE_CORRID data_type: TYPE_UINT64"),
    ),
    "a correlation of floats": control("kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_FP32"),
    "a correlation with values": control(
        "kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_UINT64 int32_false_true: [ 0, 1 ]"
    ),
    "a state without a name": state("data_type: TYPE_FP32 dims: [ 1 ] zero_data: true"),
    "a state without data": cured(
        state('name: "zero" data_type: TYPE_FP32 dims: [ 1 ]'),
        "E219",
        "write zero_data: true",
        replace(SCALE, 'name: "zero"', 'name: "zero" zero_data: true'),
    ),
    "a state of another type": state('name: "zero" data_type: TYPE_INT32 dims: [ 1 ] zero_data: true'),
    "a state of another size": state('name: "zero" data_type: TYPE_FP32 dims: [ 2 ] zero_data: true'),
    "a state of a variable size": state('name: "zero" data_type: TYPE_FP32 dims: [ -1 ] zero_data: true'),
    "a state of a missing file": cured(
        state('name: "file" data_type: TYPE_FP32 dims: [ 1 ] data_file: "start"'),
        "E219",
        "as initial_state/start",
        add("scale/initial_state/start", bytes(4)),
    ),
    "a state of a short file": state(
        'name: "file" data_type: TYPE_FP32 dims: [ 1 ] data_file: "start"', add("scale/initial_state/start", bytes(2))
    ),
    "a count of an unknown input": cured(
        settings('batch_input { kind: BATCH_ELEMENT_COUNT target_name: "N" data_type: TYPE_FP32 source_input: "NO" }'),
        "E220",
        "name one of 'RAW'",
        replace(SCALE, '"NO"', '"RAW"'),
    ),
    "a count of nothing": settings('batch_input { kind: BATCH_ITEM_SHAPE target_name: "N" data_type: TYPE_FP32 }'),
    "a count of two inputs": settings(
        'batch_input { kind: BATCH_ELEMENT_COUNT target_name: "N" data_type: TYPE_FP32 source_input: [ "RAW", "RAW" ] }'
    ),
    "a count in 64 bits": cured(
        settings(
            'batch_input { kind: BATCH_ELEMENT_COUNT target_name: "N" data_type: TYPE_INT64 source_input: "RAW" }'
        ),
        "E220",
        "one of TYPE_INT32",
        replace(SCALE, "TYPE_INT64", "TYPE_INT32"),
    ),
    "an unknown output that is scattered": settings(
        'batch_output { target_name: "NO" kind: BATCH_SCATTER_WITH_INPUT_SHAPE source_input: "RAW" }'
    ),
    "no output that is scattered": settings(
        'batch_output { kind: BATCH_SCATTER_WITH_INPUT_SHAPE source_input: "RAW" }'
    ),
    "a cache of a decoupled model": cured(
        settings("model_transaction_policy { decoupled: true }\nresponse_cache { enable: true }"),
        "E221",
        "remove response_cache",
        replace(SCALE, "response_cache { enable: true }", ""),
    ),
}
