"""Model sources + weights -> the `repository` folder of one release."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tritonclient.grpc.model_config_pb2 import ModelConfig

from triptych import contract
from triptych_ops import model_sources, triton_config
from triptych_ops.errors import RefusedError, UsageError
from triptych_ops.preprocessing import Preprocessing

from . import gpu_form
from .gpu_form import GpuParts


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """What makes one release's repository differ from another's."""

    number: int
    graph: Path  # ONNX, PIXELS uint8 (N, crop, crop, 3) -> LOGITS (N, classes), EMBEDDING (N, embedding_size)
    labels: tuple[str, ...]
    embedding_size: int
    top_k: int
    preprocessing: Preprocessing
    health_class_id: int  # the known answer to the SDK's health image
    health_score: float
    gpu: GpuParts | None = None  # None: no GPU form

    @property
    def dims(self) -> dict[str, list[int]]:
        """Tensor name -> dimensions without the batch, alike in every config.pbtxt."""
        side, k = self.preprocessing.crop, self.top_k
        return {
            "PIXELS": [side, side, 3],
            "LOGITS": [len(self.labels)],
            contract.EMBEDDING: [self.embedding_size],
            contract.CLASS_ID: [k],
            contract.SCORE: [k],
            contract.LABEL: [k],
        }


def assemble(assembly: Assembly, repository: Path) -> None:
    """Write the Triton model repository of a release into the new folder `repository`.

    Every version folder is called by the release's number, and every ensemble step names it. The graph
    is moved into it, not copied: weights can be large.

    Raises:
        UsageError: `top_k` is not 1 to the number of labels.
        RefusedError: the labels cannot be written one a line.
    """
    check_labels(assembly.labels, top_k=assembly.top_k)

    def version_file(model: str, name: str) -> Path:
        return repository / model / str(assembly.number) / name

    for model in (*contract.MEMBERS, contract.MODEL_NAME):
        template = model_sources.folder() / model
        (repository / model / str(assembly.number)).mkdir(parents=True)
        config = triton_config.read(template / triton_config.FILE_NAME)
        _configure(config, assembly)
        triton_config.write(config, repository / model / triton_config.FILE_NAME)
        form = template / gpu_form.FILE_NAME
        if assembly.gpu and form.exists():
            config = triton_config.read(form)
            _configure(config, assembly)
            gpu_form.configure(config, assembly.gpu, side=assembly.preprocessing.crop)
            (repository / model / gpu_form.FILE_NAME).parent.mkdir()
            triton_config.write(config, repository / model / gpu_form.FILE_NAME)
        for source in sorted((template / "source").glob("*.py")):
            shutil.copyfile(source, version_file(model, source.name))

    definition = assembly.preprocessing.model_dump_json(indent=2) + "\n"
    version_file("preprocess", "preprocessing.json").write_text(definition, encoding="utf-8")
    version_file("postprocess", "labels.txt").write_text("\n".join(assembly.labels) + "\n", encoding="utf-8")
    shutil.move(assembly.graph, version_file("classifier", "model.onnx"))
    if assembly.gpu:
        for graph in assembly.gpu.decoders:
            shutil.move(graph, version_file("preprocess", graph.name))
        if assembly.gpu.graph:
            shutil.move(assembly.gpu.graph, version_file("classifier", gpu_form.GRAPH))
    # Triton wants a version folder for an ensemble, too, and object stores drop empty folders.
    version_file(contract.MODEL_NAME, "release").write_text(f"{assembly.number}\n", encoding="utf-8")


def _configure(config: ModelConfig, assembly: Assembly) -> None:
    dims = assembly.dims
    for tensor in (*config.input, *config.output):
        if tensor.name in dims:
            tensor.dims[:] = dims[tensor.name]
    config.version_policy.specific.versions[:] = [assembly.number]
    for step in config.ensemble_scheduling.step:
        step.model_version = assembly.number
    if config.name == contract.MODEL_NAME:
        told = {
            contract.HEALTH_CLASS_ID: str(assembly.health_class_id),
            contract.HEALTH_SCORE: f"{assembly.health_score:.6f}",
            contract.LABELS: str(len(assembly.labels)),
            contract.RESIZE: _resize(assembly.preprocessing),
        }
        for name, value in told.items():
            config.parameters[name].string_value = value


def _resize(preprocessing: Preprocessing) -> str:
    """Return what the ensemble's configuration says of the resizing, as the SDK reads it."""
    resize = preprocessing.resize
    return str(resize) if isinstance(resize, int) else "{},{}".format(*resize)


def check_labels(labels: Sequence[str], *, top_k: int) -> None:
    """Whether labels can be written one a line, and an answer can hold `top_k` of them.

    Raises:
        UsageError: `top_k` is not 1 to the number of labels.
        RefusedError: a label is not one line that is not empty.
    """
    if not 1 <= top_k <= len(labels):
        raise UsageError(f"top-k {top_k} of {len(labels)} classes; choose 1 to the number of classes")
    for number, label in enumerate(labels):
        if not label.strip() or label.splitlines() != [label]:
            raise RefusedError(f"label {number} is {label!r}; a label is one line that is not empty")
