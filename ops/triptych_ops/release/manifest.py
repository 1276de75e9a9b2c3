"""`release.json`: what a release is made of, and the evidence that it answers as it should."""

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from triptych_ops.errors import RefusedError
from triptych_ops.preprocessing import Preprocessing


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FileDigest(_Record):
    """One file of the release."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    size: int = Field(ge=0, lt=2**63)  # bytes


class WeightsSource(_Record):
    """Where the weights come from."""

    package: str
    version: str
    file: str
    sha256: str
    licence: str


class Parity(_Record):
    """Measured differences to the torch reference, each beside the bound that the build enforced."""

    images: int  # photographs that were compared
    logits_max_difference: float  # torch against ONNX Runtime, absolute
    embedding_max_difference: float
    logits_tolerance: float  # of logits and embeddings
    served_top1_agreement: float  # the served answer against torch + torchvision transforms, 0 to 1
    served_score_max_difference: float  # over the K best classes, absolute probability
    served_score_tolerance: float


class GoldenPrediction(_Record):
    """One class of a golden answer."""

    class_id: int
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
    number: int = Field(gt=0)
    created_at: datetime
    architecture: str
    precision: Literal["fp32"]
    classes: int = Field(gt=0)
    embedding_size: int = Field(gt=0)
    top_k: int = Field(gt=0)
    weights: WeightsSource
    preprocessing: Preprocessing
    parity: Parity
    golden: list[GoldenAnswer]
    toolchain: dict[str, str]  # package -> version
    git_commit: str | None  # of the tooling, where it ran from a checkout
    files: dict[str, FileDigest]  # path below the release's folder, with slashes

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
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise RefusedError(f"{path} cannot be read: {error.strerror}") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            message = f"{path} is corrupt: {where}: {first['msg']}; build or pull the release again"
            raise RefusedError(message) from error

    def write(self, path: Path) -> None:
        """Write as indented JSON."""
        path.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
