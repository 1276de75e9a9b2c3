"""config.pbtxt, read and written by Triton's own protobuf."""

from pathlib import Path

from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from triptych_ops.errors import RefusedError

FILE_NAME = "config.pbtxt"


def read(path: Path) -> ModelConfig:
    """Parse one config.pbtxt.

    Raises:
        RefusedError: Triton would not parse it either.
    """
    try:
        return text_format.Parse(path.read_text(encoding="utf-8"), ModelConfig())
    except text_format.ParseError as error:
        raise RefusedError(f"{path}: {error}") from error


def write(config: ModelConfig, path: Path) -> None:
    """Write one config.pbtxt."""
    path.write_text(text_format.MessageToString(config), encoding="utf-8")
