"""Hostile repositories: each plants one thing that reaches for a canary, or brings code, into a sound one."""

import gzip
import io
import os
import pickle
import socket
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from .repositories import graph

Attack = Callable[[Path, Path], None]  # the repository, and the canary's folder

CLASSIFIER, ENSEMBLE = "classifier/config.pbtxt", "image_classifier/config.pbtxt"


def _config(file: str, old: str, new: str) -> Attack:
    def attack(repository: Path, canary: Path) -> None:
        path = repository / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new.replace("CANARY", str(canary)), 1), encoding="utf-8")

    return attack


def _added(key: str, *, file: str = CLASSIFIER) -> Attack:
    return _config(file, "max_batch_size: 8\n", f"max_batch_size: 8\n{key}\n")


def _parameter(key: str, value: str) -> Attack:
    return _added(f'parameters {{ key: "{key}" value: {{ string_value: "{value}" }} }}')


def cache(key: str, path: str) -> Attack:
    accelerator = f"name: 'tensorrt' parameters {{ key: '{key}' value: '{path}' }}"
    return _added(f"optimization {{ execution_accelerators {{ gpu_execution_accelerator {{ {accelerator} }} }} }}")


def _file(path: str | bytes, content: bytes = b"x\n", *, mode: int | None = None) -> Attack:
    def attack(repository: Path, _: Path) -> None:
        file = Path(os.fsdecode(os.fsencode(repository) + b"/" + os.fsencode(path)))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        if mode is not None:
            file.chmod(mode)

    return attack


def _link(path: str, target: str) -> Attack:
    def attack(repository: Path, canary: Path) -> None:
        link = repository / path
        if link.is_file():
            link.unlink()
        link.symlink_to(canary / target)

    return attack


def _hard_link(repository: Path, canary: Path) -> None:
    labels = repository / "postprocess" / "1" / "labels.txt"
    labels.unlink()
    labels.hardlink_to(canary / "labels.txt")


def _code_as_model_file(repository: Path, canary: Path) -> None:
    _file("classifier/1/model.py")(repository, canary)
    _config(CLASSIFIER, '"model.onnx"', '"model.py"')(repository, canary)


def _linked_form(repository: Path, canary: Path) -> None:
    (repository / "classifier" / "configs").mkdir()
    (repository / "classifier" / "configs" / "gpu.pbtxt").symlink_to(canary / "config.pbtxt")


def _linked_folder(path: str) -> Attack:
    def attack(repository: Path, canary: Path) -> None:
        (repository / path).rename(repository.parent / "moved")
        (repository / path).symlink_to(canary)

    return attack


def _pipe(path: str) -> Attack:
    def attack(repository: Path, _: Path) -> None:
        (repository / path).unlink(missing_ok=True)
        os.mkfifo(repository / path)

    return attack


def _socket(repository: Path, _: Path) -> None:
    folder = os.open(repository / "classifier" / "1", os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(f"/proc/self/fd/{folder}/model.sock")  # a path of a test can be too long for a socket
    finally:
        os.close(folder)


def _folder_for_config(repository: Path, _: Path) -> None:
    (repository / CLASSIFIER).unlink()
    (repository / CLASSIFIER).mkdir()


def _deep_folders(repository: Path, _: Path) -> None:
    (repository / "classifier" / "1" / "/".join("d" * 40)).mkdir(parents=True)


def _zip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("model.py", "")
    return content.getvalue()


def _tar() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model.py"))
    return content.getvalue()


def _graph(change: Callable[[onnx.ModelProto, Path], None]) -> Attack:
    def attack(repository: Path, canary: Path) -> None:
        model = onnx.ModelProto.FromString(graph())
        change(model, canary)
        (repository / "classifier" / "1" / "model.onnx").write_bytes(model.SerializeToString())

    return attack


def _external(location: str) -> Callable[[onnx.ModelProto, Path], None]:
    def change(model: onnx.ModelProto, canary: Path) -> None:
        _externalise(model.graph.initializer[2], location.replace("CANARY", str(canary)))

    return change


def _externalise(tensor: TensorProto, location: str) -> None:
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)


def _external_in_branch(model: onnx.ModelProto, canary: Path) -> None:
    weight = helper.make_tensor("inner", TensorProto.FLOAT, [1], [1.0])
    _externalise(weight, str(canary / "weights.bin"))
    output = helper.make_tensor_value_info("inner_out", TensorProto.FLOAT, [1])
    branch = helper.make_graph([helper.make_node("Identity", ["inner"], ["inner_out"])], "b", [], [output], [weight])
    model.graph.node.append(helper.make_node("If", ["c"], ["d"], then_branch=branch, else_branch=branch))


def _custom_operator(model: onnx.ModelProto, _: Path) -> None:
    model.opset_import.append(helper.make_opsetid("evil.ops", 1))
    model.graph.node.append(helper.make_node("Run", ["LOGITS"], ["ran"], domain="evil.ops"))


def _unknown_function(model: onnx.ModelProto, _: Path) -> None:
    opset = [helper.make_opsetid("", 18)]
    node = helper.make_node("Identity", ["x"], ["y"])
    model.functions.append(helper.make_function("evil.functions", "f", ["x"], ["y"], [node], opset))
    model.graph.node.append(helper.make_node("f", ["LOGITS"], ["ran"], domain="evil.functions"))


def _external_in_function(model: onnx.ModelProto, canary: Path) -> None:
    weight = helper.make_tensor("inner", TensorProto.FLOAT, [1], [1.0])
    _externalise(weight, str(canary / "weights.bin"))
    _function(model, helper.make_attribute("weight", weight))


def _external_in_branch_of_function(model: onnx.ModelProto, canary: Path) -> None:
    weight = helper.make_tensor("inner", TensorProto.FLOAT, [1], [1.0])
    constant = helper.make_node("Constant", [], ["inner_out"], value=weight)
    _externalise(constant.attribute[0].t, str(canary / "weights.bin"))
    output = helper.make_tensor_value_info("inner_out", TensorProto.FLOAT, [1])
    _function(model, helper.make_attribute("branch", helper.make_graph([constant], "b", [], [output])))


def _function(model: onnx.ModelProto, default: onnx.AttributeProto) -> None:
    """Let the graph call a function of ONNX Runtime's own domain whose attribute has this default."""
    opset = [helper.make_opsetid("", 18)]
    node = helper.make_node("Identity", ["x"], ["y"])
    model.functions.append(
        helper.make_function("com.microsoft", "f", ["x"], ["y"], [node], opset, attribute_protos=[default])
    )
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    model.graph.node.append(helper.make_node("f", ["LOGITS"], ["ran"], domain="com.microsoft"))


def _sparse(model: onnx.ModelProto, _: Path) -> None:
    values = helper.make_tensor("bomb", TensorProto.FLOAT, [1], [1.0])
    indices = helper.make_tensor("places", TensorProto.INT64, [1], [1])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [1 << 40]))


def _lying_dims(model: onnx.ModelProto, _: Path) -> None:
    model.graph.initializer[2].dims[:] = [1 << 30, 1 << 30]


STEP = 'model_name: "preprocess"'

# Each with the code that names it.
FILES: Mapping[str, tuple[str, Attack]] = {
    "a shared object": ("E109", _file("classifier/1/libops.so")),
    "a shared object with a version": ("E109", _file("classifier/1/libops.so.1.2")),
    "a shared object by another name": ("E109", _file("classifier/1/notes.txt", b"\x7fELF\x02\x01\x01")),
    "a Windows library by another name": ("E109", _file("classifier/1/notes.json", b"MZ\x90\x00\x03")),
    "a linked shared object": ("E101", _link("classifier/1/libops.so", "library.so")),
    "a linked configuration": ("E101", _link(CLASSIFIER, "config.pbtxt")),
    "a linked form": ("E101", _linked_form),
    "a form in a folder of its own": ("E113", _file("classifier/configs/sub/gpu.pbtxt")),
    "a linked graph": ("E101", _link("classifier/1/model.onnx", "model.onnx")),
    "linked labels": ("E101", _link("classifier/classes.txt", "labels.txt")),
    "linked code": ("E101", _link("preprocess/1/model.py", "model.py")),
    "a link to nothing": ("E101", _link("classifier/1/more.onnx", "missing")),
    "a linked version": ("E101", _linked_folder("classifier/1")),
    "a linked model": ("E101", _linked_folder("classifier")),
    "a hard link": ("E102", _hard_link),
    "a pipe for a configuration": ("E103", _pipe(CLASSIFIER)),
    "a pipe for a graph": ("E103", _pipe("classifier/1/model.onnx")),
    "a pipe for labels": ("E103", _pipe("postprocess/1/labels.txt")),
    "a socket": ("E103", _socket),
    "a line feed in a name": ("E104", _file("classifier/1/a\nb.json")),
    "CRLF in a name": ("E104", _file("classifier/1/a\r\nb.json")),
    "an escape sequence in a name": ("E104", _file("classifier/1/\x1b[31m.json")),
    "a name that is no UTF-8": ("E104", _file(b"classifier/1/\xff\xfe.json")),
    "CRLF in a model's name": ("E104", _file("evil\r\n/config.pbtxt")),
    "a backslash in a name": ("E104", _file("classifier/1/..\\..\\x.json")),
    "an over-long name": ("E104", _file(f"classifier/1/{'x' * 200}.json")),
    "a model whose name is a command": ("E116", _file("x$(touch canary)/config.pbtxt")),
    "a file whose name is two commands": ("E116", _file("classifier/1/a;b.json")),
    "a name with a quotation mark": ("E116", _file("classifier/1/a'b.json")),
    "a name that is an option": ("E116", _file("classifier/1/-rf.json")),
    "a hidden file": ("E105", _file("classifier/1/.hidden.json")),
    "a hidden environment": ("E105", _file(".env/bin/activate")),
    "a model called ..x": ("E105", _file("..x/config.pbtxt")),
    "a git folder": ("E105", _file(".git/hooks/post-checkout")),
    "names that differ by case": ("E106", _file("classifier/1/MODEL.onnx", graph())),
    "folders without end": ("E107", _deep_folders),
    "an executable": ("E108", _file("classifier/1/run.json", mode=0o755)),
    "a setuid file": ("E108", _file("classifier/1/run.json", mode=0o4644)),
    "a file that everybody can write": ("E108", _file("classifier/1/data.json", mode=0o666)),
    "a pickle": ("E110", _file("classifier/1/weights.pkl")),
    "a pickled checkpoint": ("E110", _file("classifier/1/model.pt")),
    "a joblib file": ("E110", _file("classifier/1/model.joblib")),
    "a pickle by another name": ("E110", _file("classifier/1/weights.json", pickle.dumps({}))),
    "a zip archive by another name": ("E111", _file("classifier/1/more.txt", _zip())),
    "gzip by another name": ("E111", _file("classifier/1/more.txt", gzip.compress(b"x"))),
    "a tar archive by another name": ("E111", _file("classifier/1/more.txt", _tar())),
    "bytecode": ("E112", _file("preprocess/1/__pycache__/model.cpython-311.pyc")),
    "a Python environment": ("E112", _file("preprocess/1/venv/pyvenv.py")),
    "an additional file of a version": ("E113", _file("classifier/1/weights.bin")),
    "an additional file of a model": ("E113", _file("classifier/notes.md")),
    "an additional folder of a model": ("E113", _file("classifier/backends/readme")),
    "a folder that Triton takes for version 1": ("E113", _file("classifier/1abc/model.onnx")),
    "an additional file of the repository": ("E113", _file("setup.cfg")),
    "code of another backend": ("E113", _file("classifier/1/model.py")),
    "code that is named as a graph": ("E113", _code_as_model_file),
    "a backend beside the versions": ("E114", _file("classifier/model.py")),
    "a library beside the versions": ("E109", _file("classifier/libtriton_onnxruntime.so")),
    "a folder for a configuration": ("E203", _folder_for_config),
    "a huge configuration": ("E203", _file(CLASSIFIER, b"# " + b"x" * (1 << 20))),
    "a NUL in a configuration": ("E203", _file(CLASSIFIER, b'name: "classi\0fier"\n')),
    "a configuration that is no text": ("E203", _file(CLASSIFIER, b"\xff\xfen\x00a\x00")),
    "a bottomless configuration": ("E202", _file(CLASSIFIER, b"x { " * 50_000)),
    "a bottomless list": ("E201", _file(CLASSIFIER, b"input: " + b"[" * 50_000)),
}
SETTINGS: Mapping[str, tuple[str, Attack]] = {
    "a model file that climbs": ("E250", _config(CLASSIFIER, '"model.onnx"', '"../../../canary/model.onnx"')),
    "an absolute model file": ("E250", _config(CLASSIFIER, '"model.onnx"', '"CANARY/model.onnx"')),
    "a model file by hardware that climbs": (
        "E250",
        _added('cc_model_filenames { key: "9.0" value: "../../../canary/model.onnx" }'),
    ),
    "labels that climb": ("E250", _config(CLASSIFIER, '"classes.txt"', '"../../canary/labels.txt"')),
    "absolute labels": ("E250", _config(CLASSIFIER, '"classes.txt"', '"CANARY/labels.txt"')),
    "labels by URL": ("E250", _config(CLASSIFIER, '"classes.txt"', '"file://CANARY/labels.txt"')),
    "a warm-up that climbs": ("E250", _config(CLASSIFIER, "random_data: true", 'input_data_file: "../../x"')),
    "a state that climbs": (
        "E250",
        _added(
            'sequence_batching { state { input_name: "a" output_name: "b" data_type: TYPE_FP32 dims: 1 initial_state '
            '{ name: "c" data_type: TYPE_FP32 dims: 1 data_file: "../../../canary/weights.bin" } } }',
            file="preprocess/config.pbtxt",
        ),
    ),
    "a member ../x": ("E250", _config(ENSEMBLE, STEP, 'model_name: "../x"')),
    "a member with a slash": ("E250", _config(ENSEMBLE, STEP, 'model_name: "canary/x"')),
    "a member with a line feed": ("E250", _config(ENSEMBLE, STEP, 'model_name: "a\\nb"')),
    "a member with CR": ("E250", _config(ENSEMBLE, STEP, 'model_name: "preprocess\\r"')),
    "a namespace that climbs": ("E250", _config(ENSEMBLE, STEP, f'{STEP} model_namespace: "../x"')),
    "a model called ../x": ("E250", _config(CLASSIFIER, 'name: "classifier"', 'name: "../x"')),
    "a parameter that climbs": ("E250", _parameter("tokenizer", "../../canary")),
    "an absolute parameter": ("E250", _parameter("tokenizer", "CANARY")),
    "a parameter with CRLF": ("E250", _parameter("header", "a\\r\\u001b[2J")),
    "an instance group whose name is a command": (
        "E116",
        _config(CLASSIFIER, "kind: KIND_CPU", 'name: "a$(touch canary)" kind: KIND_CPU'),
    ),
    "a model file whose name is a command": ("E116", _config(CLASSIFIER, '"model.onnx"', '"`touch canary`.onnx"')),
    "a configured name that is a command": ("E116", _config(CLASSIFIER, 'name: "classifier"', 'name: "a|b"')),
    "a cache that climbs": ("E250", cache("trt_engine_cache_path", "/var/../canary")),
    "a cache that climbs out of the caches": ("E250", cache("trt_engine_cache_path", "/var/cache/../../canary")),
    "a cache beside the caches": ("E250", cache("trt_engine_cache_path", "/var/cache2")),
    "a cache anywhere": ("E250", cache("trt_engine_cache_path", "CANARY")),
    "timings anywhere": ("E250", cache("trt_timing_cache_path", "/etc/cron.d")),
    "a library of operators": ("E251", _added('model_operations { op_library_filename: "libops.so" }')),
    "a library of operators that climbs": (
        "E251",
        _added('model_operations { op_library_filename: "CANARY/library.so" }'),
    ),
    "a library of an accelerator": (
        "E251",
        _added(
            "optimization { execution_accelerators { gpu_execution_accelerator { name: 'tensorrt' "
            "parameters { key: 'trt_engine_decryption_lib_path' value: 'x' } } } }"
        ),
    ),
    "a library as a model file": ("E251", _config(CLASSIFIER, '"model.onnx"', '"libops.so"')),
    "a runtime": ("E252", _added('runtime: "libtriton_evil.so"')),
    "an execution environment": ("E253", _parameter("EXECUTION_ENV_PATH", "$$TRITON_MODEL_DIRECTORY/env.tar.gz")),
    "a backend ../x": ("E254", _config(CLASSIFIER, '"onnxruntime"', '"../canary"')),
    "a backend with a slash": ("E254", _config(CLASSIFIER, '"onnxruntime"', '"canary/library"')),
    "a repository agent": ("E255", _added('model_repository_agents { agents { name: "evil" } }')),
    "a variable of the server": ("E256", _parameter("TRITON_BATCH_STRATEGY_PATH", "batch")),
    "a preloaded library": ("E256", _parameter("LD_PRELOAD", "x")),
    "shared memory": ("E256", _parameter("shm-default-byte-size", "999999999999")),
}
GRAPHS: Mapping[str, tuple[str, Attack]] = {
    "external data": ("E402", _graph(_external("weights.bin"))),
    "external data that climb": ("E402", _graph(_external("../../../canary/weights.bin"))),
    "absolute external data": ("E402", _graph(_external("CANARY/weights.bin"))),
    "external data in a branch": ("E402", _graph(_external_in_branch)),
    "external data in a function's attribute": ("E402", _graph(_external_in_function)),
    "external data in a branch of a function's attribute": ("E402", _graph(_external_in_branch_of_function)),
    "operators of another domain": ("E403", _graph(_custom_operator)),
    "functions of another domain": ("E404", _graph(_unknown_function)),
    "a sparse bomb": ("E410", _graph(_sparse)),
    "dims beyond the file": ("E410", _graph(_lying_dims)),
    "a graph that is none": ("E401", _file("classifier/1/model.onnx", b"\x08\x07garbage")),
}
ATTACKS: Mapping[str, tuple[str, Attack]] = {**FILES, **SETTINGS, **GRAPHS}
