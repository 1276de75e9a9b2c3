"""`release.json`: what a release is made of, and the evidence that it answers as it should."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
)

from triptych_ops.errors import RefusedError
from triptych_ops.preprocessing import Preprocessing

Precision = Literal["fp32", "int8", "fp16"]

_Count = Annotated[int, Field(ge=0, lt=2**31)]
_Positive = Annotated[int, Field(gt=0, lt=2**31)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FileDigest(_Record):
    """One file of the release."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    size: int = Field(ge=0, lt=2**63)  # bytes


class WeightsSource(_Record):
    """Where the weights, and the definition of their preprocessing, come from."""

    file: str
    sha256: str
    key: str | None = None  # which of several sets of weights in the file, as --weights-key names it; None: all of it
    definition: str  # what defines the preprocessing: a named set of published weights, or a file
    package: str | None = None  # installed package that brings the file; None for the user's own
    version: str | None = None
    licence: str | None = None  # None where nobody said

    @model_serializer(mode="wrap")
    def _without_absent_key(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave `key` out where there is none, so that tooling from before it reads the manifest."""
        fields: dict[str, Any] = serialise(self)
        return fields if self.key is not None else {name: value for name, value in fields.items() if name != "key"}


class ExportParity(_Record):
    """Measured differences of the float graph to torch, before its precision was lowered."""

    images: _Count
    logits_max_difference: float  # absolute, as the others
    logits_tolerance: float  # enforced by the build; larger networks have larger logits
    embedding_max_difference: float
    embedding_tolerance: float


class Calibration(_Record):
    """How an int8 graph was quantised."""

    images: _Count
    source: str
    method: str
    float_layers: list[str]  # left in float because the accuracy needed it


class Quality(_Record):
    """Served answers against the fp32 torch reference, each measure beside the bound that the build enforced."""

    images: _Positive
    source: str  # where the images come from
    top1_agreement: float = Field(ge=0, le=1)  # share of images, ties among them
    top1_agreement_minimum: float
    ties: _Count  # images between two classes that the reference cannot tell apart, either of them served
    score_max_difference: float  # over the K served classes of every image, absolute probability
    score_max_tolerance: float | None  # None where lower precision moves single images further
    score_outliers: float | None = None  # share of images that may be beyond the tolerance; None: not one
    score_mean_difference: float  # mean over images of the largest difference of each
    score_mean_tolerance: float


class Training(_Record):
    """The training that the weights come from, and how right they are on images that it never saw."""

    dataset: str  # name of the folder or file of images
    split_sha256: str  # of the file that says which image was in which part
    train_images: _Positive
    test_images: _Positive
    epochs: _Count
    best_epoch: _Count  # whose weights these are
    strategy: str  # which layers were trained
    pretrained: str | None  # file that the training began with; None: random weights
    offline_accuracy: float = Field(ge=0, le=1)  # of torch, on the test images
    served_accuracy: float = Field(ge=0, le=1)  # of this release on the same, through the server


class GpuForm(_Record):
    """What could be measured of the GPU form without a GPU: its decoder and its graph, both run on the CPU."""

    dali: str  # version that serialised the decoder
    images: _Count  # decoded by it
    pixels_mean_difference: float  # to torchvision, of 255
    pixels_mean_tolerance: float
    decoded_top1_agreement: float = Field(ge=0, le=1)  # of the torch network on its pixels and on torchvision's
    fp16_images: _Count  # 0 where the release's own graph is fp16
    fp16_top1_agreement: float | None  # of the GPU's fp16 graph with the float one
    top1_agreement_minimum: float  # enforced by the build, of both


class GoldenPrediction(_Record):
    """One class of a golden answer."""

    class_id: _Count
    label: str
    score: float


class GoldenAnswer(_Record):
    """What the release answered to a bundled photograph when it was built."""

    image: str
    sha256: str
    predictions: list[GoldenPrediction] = Field(min_length=1)


class Manifest(_Record):
    """The whole of `release.json`."""

    schema_version: Literal[1] = 1
    number: _Positive
    created_at: datetime
    architecture: str
    precision: Precision
    classes: _Positive
    embedding_size: _Positive
    top_k: _Positive
    weights: WeightsSource
    preprocessing: Preprocessing
    parity: ExportParity
    calibration: Calibration | None  # of int8 alone
    quality: Quality
    gpu: GpuForm | None  # None where the release was built without DALI
    training: Training | None = None  # None where the weights came from elsewhere
    golden: list[GoldenAnswer]
    toolchain: dict[str, str]  # package -> version
    git_commit: str | None  # of the tooling, where it ran from a checkout
    files: dict[str, FileDigest]  # path below the release's folder, with slashes: repository/…

    @field_validator("files")
    @classmethod
    def _names_stay_below(cls, files: dict[str, FileDigest]) -> dict[str, FileDigest]:
        """Whoever wrote the manifest must not choose a path outside of the release."""
        folders = {name[:at] for name in files for at, character in enumerate(name) if character == "/"}
        for name in files:
            parts = name.split("/")
            if parts[0] != "repository" or len(parts) < 2 or not {"", ".", ".."}.isdisjoint(parts):
                raise ValueError(f"{name!r} is no path below repository/")
            if "\\" in name or not name.isprintable():
                raise ValueError(f"{name!r} has a character that no file of a release may have")
            if name in folders:
                raise ValueError(f"{name!r} is both a file and a folder")
        return files

    @property
    def size_bytes(self) -> int:
        """Of all files together."""
        return sum(digest.size for digest in self.files.values())

    @classmethod
    def from_file(cls, path: Path) -> "Manifest":
        """Read and check a manifest.

        Raises:
            RefusedError: it cannot be read as one.
        """
        if not path.is_file():  # a pipe would be waited for
            raise RefusedError(f"{path} is missing or no file, so this is no release; build or pull it again")
        try:
            return cls.from_json(path.read_bytes(), source=str(path))
        except OSError as error:
            raise RefusedError(f"{path} cannot be read: {error.strerror}") from error

    @classmethod
    def from_json(cls, document: bytes, *, source: str) -> "Manifest":
        """Check the text of a manifest; `source` names it in errors.

        Raises:
            RefusedError: it is none.
        """
        try:
            return cls.model_validate_json(document)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            message = f"{source} is corrupt: {where}: {first['msg']}; build or pull the release again"
            raise RefusedError(message) from error

    def to_json(self) -> bytes:
        """Indented JSON."""
        return (self.model_dump_json(indent=2) + "\n").encode()

    def write(self, path: Path) -> None:
        """Write as indented JSON."""
        path.write_bytes(self.to_json())
