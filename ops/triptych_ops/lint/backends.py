"""Triton's backends: the file that each reads, and what else may lie in a version folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tritonclient.grpc.model_config_pb2 import ModelConfig

ENSEMBLE = "ensemble"
# Triton takes a model.py in any model's folders for its backend, so a name in a configuration makes code no data.
CODE = (".py", ".sh", ".c", ".cc", ".cpp", ".cu")
_ANY = ("*.json", "*.txt")  # data for people and pre- or postprocessing; no server runs it


@dataclass(frozen=True, slots=True)
class Backend:
    """What one backend reads in a version folder."""

    file: str | None = None  # unless default_model_filename names another; None where it reads none, or any
    others: tuple[str, ...] = ()  # patterns of further names
    folders: bool = False  # whether its files may lie in folders of the version

    def reads(self, path: str, *, file: str | None) -> bool:
        """Whether a file, by its path below the version folder, belongs to a model whose own file is `file`."""
        if file is not None and (path == file or path.startswith(f"{file}/")) and not path.endswith(CODE):
            return self.folders or "/" not in path
        name = path.rpartition("/")[2]
        return (self.folders or name == path) and any(fnmatchcase(name, pattern) for pattern in (*_ANY, *self.others))


# The python backend may read a DALI pipeline that was serialised for it.
BACKENDS: Mapping[str, Backend] = {
    "dali": Backend("model.dali", ("*.dali",)),
    ENSEMBLE: Backend(others=("release",)),
    "fil": Backend("xgboost.model", ("*.model", "*.tl")),
    "identity": Backend(),
    "onnxruntime": Backend("model.onnx", ("*.onnx",)),
    "openvino": Backend("model.xml", ("*.xml", "*.bin")),
    "python": Backend("model.py", ("*.py", "*.dali"), folders=True),
    "pytorch": Backend("model.pt"),
    "repeat": Backend(),
    "square": Backend(),
    "tensorflow": Backend("model.savedmodel", folders=True),
    "tensorrt": Backend("model.plan", ("*.plan",)),
    "tensorrtllm": Backend(others=("*.engine", "*.plan")),
    "vllm": Backend("model.json"),
}
PLATFORMS: Mapping[str, str] = {
    "ensemble": ENSEMBLE,
    "onnxruntime_onnx": "onnxruntime",
    "pytorch_libtorch": "pytorch",
    "libtorch": "pytorch",
    "torch_aoti": "pytorch",
    "tensorflow_graphdef": "tensorflow",
    "tensorflow_savedmodel": "tensorflow",
    "tensorrt_plan": "tensorrt",
}
_FILES_OF_PLATFORMS: Mapping[str, str] = {"tensorflow_graphdef": "model.graphdef", "torch_aoti": "model.pt2"}


def backend_name(config: ModelConfig) -> str | None:
    """The backend of a model, a key of BACKENDS unless Triton does not have it; None where none is named."""
    return config.backend or PLATFORMS.get(config.platform) or None


def model_file(config: ModelConfig) -> str | None:
    """The file that the backend reads in a version folder; None where it reads none, or is unknown."""
    backend = BACKENDS.get(backend_name(config) or "")
    if backend is None or backend is BACKENDS[ENSEMBLE]:
        return None
    return config.default_model_filename or _FILES_OF_PLATFORMS.get(config.platform) or backend.file
