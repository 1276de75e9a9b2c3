"""Repositories about which lint and Triton differ, each with its reason. Any other difference fails the comparison."""

import pickle
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from .repositories import (
    CODE,
    GRAPH,
    NET,
    SCALE,
    Case,
    Files,
    add,
    append,
    changed_graph,
    copy,
    cured,
    encoded,
    graph,
    move,
    one_model,
    remove,
    replace,
)
from .served import GROUP, INPUT, OUTPUT, WARM, model, net, scale, settings, warm_net, warm_up

_LABELLED = OUTPUT.replace("}", 'label_filename: "labels.txt" }')


def _empty() -> Files:
    return {}


def _external(files: Files) -> None:
    """Move the graph's weight into a file of its own."""
    edited = onnx.ModelProto.FromString(files[GRAPH] or b"")
    tensor = edited.graph.initializer[0]
    files["net/1/weights.bin"] = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    files[GRAPH] = edited.SerializeToString()


def _weights_inside(files: Files) -> None:
    """Do in a folder what the cure of E402 says."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in (GRAPH, "net/1/weights.bin"):
            (folder / path.rpartition("/")[2]).write_bytes(files[path] or b"")
        file = folder / "model.onnx"
        onnx.save(onnx.load(file), file)
        files[GRAPH] = file.read_bytes()
    del files["net/1/weights.bin"]


def _function(edited: onnx.ModelProto) -> None:
    node = helper.make_node("Add", ["a", "a"], ["b"])
    opset = [helper.make_opsetid("", 17)]
    edited.functions.append(helper.make_function("own.functions", "Twice", ["a"], ["b"], [node], opset))
    edited.opset_import.append(helper.make_opsetid("own.functions", 1))
    edited.graph.node[1].output[0] = "half"
    edited.graph.node.append(helper.make_node("Twice", ["half"], ["LOGITS"], domain="own.functions"))


def _variable_output(edited: onnx.ModelProto) -> None:
    size = edited.graph.output[0].type.tensor_type.shape.dim[1]
    size.Clear()
    size.dim_param = "classes"


def _archive() -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("notes.txt", "")
    return content.getvalue()


def _mode(path: str, mode: int) -> Callable[[Path], None]:
    return lambda repository: (repository / path).chmod(mode)


def _linked_code(repository: Path) -> None:
    code = repository / "scale" / "1" / "model.py"
    code.rename(repository.parent / "code.py")
    code.symlink_to(repository.parent / "code.py")


_READS_AS_TEXT = "a configuration that is not UTF-8 reads otherwise in every editor"
_GUESS = "Triton guesses the backend by the files, and other versions of it guess otherwise"
_CLUTTER = "Triton passes it over; a release holds nothing that no model reads"
_SHELL = "the Python backend hands names to a shell"
_LABELS = "clients would get wrong labels, or none"
_HARM = "it can bring code, or reach out of the repository"
_MEANT = "what is written is not what happens"
_NATIVE = (
    "Triton's native onnxruntime backend refuses it when it loads the model; the Python backend of tests does not look"
)

POLICY: Mapping[str, tuple[str, Case]] = {
    # Triton serves these, and lint refuses them.
    "Latin 1 in a comment": (_READS_AS_TEXT, model(encoded(SCALE, lambda content: b"# \xe9\n" + content))),
    "Latin 1 in a parameter": (_READS_AS_TEXT, settings('parameters { key: "a" value { string_value: "\\xff" } }')),
    "an empty configuration": (
        _GUESS,
        cured(model(add(SCALE, b"")), "E206", 'write backend: "python"', append(SCALE, 'backend: "python"')),
    ),
    "no backend of a Python model": (
        _GUESS,
        cured(scale('backend: "python"\n', ""), "E206", 'write backend: "python"', append(SCALE, 'backend: "python"')),
    ),
    "no backend of a graph": (
        _GUESS,
        cured(
            net(replace(NET, 'backend: "onnxruntime"\n', "")),
            "E206",
            'write backend: "onnxruntime"',
            append(NET, 'backend: "onnxruntime"'),
        ),
    ),
    "a platform of another backend than Python": (
        _MEANT,
        cured(
            settings('platform: "onnxruntime_onnx"'),
            "E205",
            "remove the platform",
            replace(SCALE, 'platform: "onnxruntime_onnx"', ""),
        ),
    ),
    "a name that is an option": (
        _SHELL,
        cured(
            model(move("scale", "-a"), replace("-a/config.pbtxt", '"scale"', '"-a"')),
            "E116",
            "rename it",
            move("-a", "scale"),
            replace(SCALE, "-a", "scale"),
        ),
    ),
    "an input twice": (
        _MEANT,
        cured(
            scale(INPUT, f"{INPUT}, {INPUT}"), "E207", "remove one of them", replace(SCALE, f"{INPUT}, {INPUT}", INPUT)
        ),
    ),
    "an output twice": (_MEANT, scale(OUTPUT, f"{OUTPUT}, {OUTPUT}")),
    "a tensor larger than memory": (
        "no request of that size can come",
        scale("dims: [ 4 ]", "dims: [ 9000000000000000000 ]"),
    ),
    "no instances": (
        _MEANT,
        cured(scale("count: 1", "count: 0"), "E211", "leave the count out", replace(SCALE, "count: 0 ", "")),
    ),
    "fewer than no instances": (_MEANT, scale(GROUP, GROUP.replace("1", "-1"))),
    "a graph for a GPU that is missing": (
        "it fails on the GPU that it is for",
        net(append(NET, 'cc_model_filenames { key: "8.0" value: "model80.onnx" }')),
    ),
    "operators of a library": (
        _HARM,
        cured(
            settings('model_operations { op_library_filename: "libx.so" }'),
            "E251",
            "remove the setting",
            replace(SCALE, 'model_operations { op_library_filename: "libx.so" }', ""),
        ),
    ),
    "a setting of the server's": (
        "it is the operator's to set",
        settings('parameters { key: "shm-default-byte-size" value { string_value: "1" } }'),
    ),
    "a version with a zero beside one without": (
        _CLUTTER,
        cured(model(copy("scale/1", "scale/01")), "E113", "or remove it", remove("scale/01")),
    ),
    "a version that Triton takes for another": (
        "Triton takes 1abc for version 1",
        cured(
            model(copy("scale/1", "scale/2"), move("scale/1", "scale/1abc")),
            "E113",
            "rename it to a number that is free",
            move("scale/1abc", "scale/1"),
        ),
    ),
    "a file called as a version": (_CLUTTER, model(add("scale/2", b"x"))),
    "a specific version that is missing, beside one that is there": (
        _MEANT,
        cured(
            settings("version_policy { specific { versions: [ 1, 3 ] } }"),
            "E215",
            "name versions on disk",
            replace(SCALE, "[ 1, 3 ]", "[ 1 ]"),
        ),
    ),
    "too few labels": (
        _LABELS,
        cured(
            scale(OUTPUT, _LABELLED, add("scale/labels.txt", b"a\nb\n")),
            "E502",
            "one label a line for each class",
            add("scale/labels.txt", b"a\nb\nc\nd\n"),
        ),
    ),
    "labels in Latin 1": (_LABELS, scale(OUTPUT, _LABELLED, add("scale/labels.txt", b"a\n\xe9\nc\nd\n"))),
    "an empty label": (_LABELS, scale(OUTPUT, _LABELLED, add("scale/labels.txt", b"a\n\nc\nd\n"))),
    "labels outside of the model": (
        _HARM,
        scale(OUTPUT, _LABELLED.replace("labels.txt", "../labels.txt"), add("labels.txt", b"a\nb\nc\nd\n")),
    ),
    "a warm-up of an input that is none": (
        _MEANT,
        cured(
            warm_up(f"batch_size: 1 {WARM} {WARM.replace('RAW', 'NO')}"),
            "E214",
            "remove it from the warm-up",
            replace(SCALE, WARM.replace("RAW", "NO"), ""),
        ),
    ),
    "a warm-up that takes long": (
        "the server is not ready meanwhile",
        cured(warm_up(f"batch_size: 1 count: 20000 {WARM}"), "E214", "at most 10000", replace(SCALE, "20000", "2")),
    ),
    "a file beside the models": (
        _CLUTTER,
        cured(model(add("readme.md", b"x")), "E113", "remove it", remove("readme.md")),
    ),
    "a file beside the versions": (_CLUTTER, model(add("scale/readme.md", b"x"))),
    "a folder beside the versions": (_CLUTTER, model(add("scale/source/readme.md", b"x"))),
    "a file that no backend reads": (
        _CLUTTER,
        cured(model(add("scale/1/weights.bin", b"x")), "E113", "remove it", remove("scale/1/weights.bin")),
    ),
    "another form that cannot be read": (
        "it fails on the server that chooses it with --model-config-name",
        model(add("scale/configs/gpu.pbtxt", b"nothing")),
    ),
    "no model": ("a server without any model serves nobody", Case(_empty)),
    "weights in a file of their own": (
        _HARM,
        cured(net(_external), "E402", 'onnx.save(onnx.load("model.onnx"), "model.onnx")', _weights_inside),
    ),
    "functions of somebody's own": (_HARM, net(changed_graph(_function))),
    "code beside a graph": (
        _HARM,
        cured(net(add("net/1/model.py", b"x = 1\n")), "E113", "remove it", remove("net/1/model.py")),
    ),
    "another number of classes than the graph": (
        _NATIVE,
        cured(
            warm_net(add(GRAPH, graph(classes=5))), "E407", "write the graph's shape", replace(NET, "[ 3 ]", "[ 5 ]")
        ),
    ),
    "another type of an output than the graph": (
        _NATIVE,
        cured(
            warm_net(replace(NET, "FP32 dims: [ 3 ]", "INT32 dims: [ 3 ]")),
            "E406",
            "write the graph's type",
            replace(NET, "INT32", "FP32"),
        ),
    ),
    "an output that varies in the graph alone": (_NATIVE, warm_net(changed_graph(_variable_output))),
    "a graph for one image, with a batch": (
        _NATIVE,
        cured(
            net(add(GRAPH, graph(batch=1))),
            "E408",
            "set max_batch_size to 0 and write the graph's batch into dims",
            replace(NET, "max_batch_size: 8", "max_batch_size: 0"),
            replace(NET, "[ 4 ]", "[ 1, 4 ]"),
            replace(NET, "[ 3 ]", "[ 1, 3 ]"),
        ),
    ),
    "an executable": (
        _HARM,
        cured(Case(one_model, finish=_mode("scale/1/model.py", 0o755)), "E108", "chmod u-s,g-s,a-x,o-w"),
    ),
    "a file that everybody can write": (_HARM, Case(one_model, finish=_mode("scale/1/model.py", 0o666))),
    "linked code": (_HARM, cured(Case(one_model, finish=_linked_code), "E101", "copy what it points to in its place")),
    "a pickle": (
        _HARM,
        cured(model(add("scale/1/weights.pkl", pickle.dumps({}))), "E110", "export", remove("scale/1/weights.pkl")),
    ),
    "an archive": (_HARM, model(add("scale/1/notes.txt", _archive()))),
    "bytecode": (
        _HARM,
        cured(model(add("scale/1/__pycache__/model.pyc", b"x")), "E112", "remove it", remove("scale/1/__pycache__")),
    ),
    "a hidden file": (_CLUTTER, model(add("scale/1/.notes.txt", b"x"))),
    "names that differ by case": (
        "some file systems hold one of the two",
        model(add("scale/1/MODEL.py", CODE.encode())),
    ),
}

_RUN = "only running the code shows it, and lint runs and compiles nothing"
_MACHINE = "it depends on the machine that serves"
_NEWER = "the server of tests is older than this key, which the servers of production know"

BEYOND: Mapping[str, tuple[str, Case]] = {
    # Triton refuses these, and lint cannot tell.
    "code that is no Python": (_RUN, model(add("scale/1/model.py", b"def (:\n"))),
    "code without the class": (_RUN, model(add("scale/1/model.py", b"x = 1\n"))),
    "code that imports what is not there": (
        _RUN,
        model(add("scale/1/model.py", b"import nothing_here\n" + CODE.encode())),
    ),
    "code that fails when it starts": (
        _RUN,
        model(
            replace("scale/1/model.py", "        config = ", '        raise ValueError("planted")\n        config = ')
        ),
    ),
    "code that fails in the warm-up": (
        _RUN,
        warm_up(
            f"batch_size: 1 {WARM}",
            replace(
                "scale/1/model.py", "        return [self", '        raise ValueError("planted")\n        return [self'
            ),
        ),
    ),
    "a GPU where there is none": (_MACHINE, scale("KIND_CPU", "KIND_GPU")),
    "a GPU of a number that is not there": (_MACHINE, scale("KIND_CPU", "KIND_GPU gpus: [ 99 ]")),
    "an accelerator of GPUs": (
        _MACHINE,
        net(append(NET, 'optimization { execution_accelerators { gpu_execution_accelerator { name: "tensorrt" } } }')),
    ),
    "metrics of a model": (
        _NEWER,
        settings(
            'model_metrics { metric_control { metric_identifier { family: "x" } '
            "histogram_options { buckets: [ 1, 2 ] } } }"
        ),
    ),
}
