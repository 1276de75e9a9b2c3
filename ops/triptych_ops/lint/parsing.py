"""The text of one config.pbtxt -> Triton's own message, or what is wrong with the text."""

import difflib
import re

from google.protobuf import text_format
from google.protobuf.descriptor import Descriptor
from tritonclient.grpc.model_config_pb2 import ModelConfig

from .findings import Finding
from .locations import Place, locate

LARGEST_BYTES = 1 << 20
_POSITION = re.compile(r"^\d+:\d+ : ")
_UNKNOWN_KEY = re.compile(r'Message type "(?P<message>[\w.]+)" has no field named "(?P<key>[^"]*)"')


def parse(content: bytes, path: str) -> tuple[ModelConfig, Place] | Finding:
    """A configuration with the places of its keys, or the one finding that says why it is none."""
    if len(content) > LARGEST_BYTES:
        return Finding.of("E203", path, f"is larger than {LARGEST_BYTES} bytes")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Finding.of("E203", path, f"byte {error.start} is not UTF-8", line=line)
    if "\0" in text:
        return Finding.of("E203", path, "holds a NUL byte", line=text.count("\n", 0, text.index("\0")) + 1)
    try:
        return text_format.Parse(text, ModelConfig()), locate(text)
    except text_format.ParseError as error:
        return _explained(error, path)
    except (RecursionError, ValueError, OverflowError) as error:
        return Finding.of("E201", path, f"cannot be parsed: {type(error).__name__}")


def _explained(error: text_format.ParseError, path: str) -> Finding:
    line, column = error.GetLine(), error.GetColumn()
    reason = " ".join(_POSITION.sub("", str(error)).split())
    if found := _UNKNOWN_KEY.search(reason):
        key, message = found["key"], _message(found["message"])
        near = difflib.get_close_matches(key, [field.name for field in message.fields] if message else (), n=1)
        cure = f"write {near[0]!r}" if near else None
        return Finding.of("E202", path, f"{found['message'].split('.')[-1]} has no key {key!r}", line=line, cure=cure)
    return Finding.of("E201", path, f"column {column}: {reason[:200].rstrip('.')}", line=line)


def _message(full_name: str) -> Descriptor | None:
    try:
        found: Descriptor = ModelConfig.DESCRIPTOR.file.pool.FindMessageTypeByName(full_name)
    except KeyError:
        return None
    return found
