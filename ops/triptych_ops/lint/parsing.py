"""The text of one config.pbtxt -> Triton's own message, or what is wrong with the text."""

import difflib
import re

from google.protobuf import text_format
from google.protobuf.descriptor import Descriptor
from tritonclient.grpc.model_config_pb2 import ModelConfig

from .findings import Finding
from .locations import Place, locate

LARGEST_BYTES = 1 << 20
_BOM = "\ufeff"
# Python's parser takes more than Triton's, which is protobuf's in C++. What they differ in is looked for in the text.
_SUSPECT = re.compile(r"[^\x00-\x7f]|[\\+]|\b\d\w*_|\b0[boBO]")  # without any of these there is no need to look
_PIECE = re.compile(
    r"""
      (?P<string> "(?:\\.|[^"\\\n])*(?:"|(?=\n)|\\?\Z) | '(?:\\.|[^'\\\n])*(?:'|(?=\n)|\\?\Z) )  # no end: said later
    | \#[^\n]*
    | (?P<number> \+?\d[\w.]* (?:(?<=[eE])[+-]\d+)? )
    | \w+
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|(\d+\.?\d*)([eE][+-]?\d+)?[fF]?", re.ASCII)
_ESCAPE = re.compile(r"\\(?:[abfnrtv\\?'\"]|[0-7]{1,3}|[xX][0-9a-fA-F]{1,2}|u[0-9a-fA-F]{4}|U00[01][0-9a-fA-F]{5})")
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
    if text.startswith(_BOM):
        return Finding.of(
            "E203", path, "begins with a byte order mark", line=1, cure="save it as UTF-8 without the mark"
        )
    if "\0" in text:
        return Finding.of("E203", path, "holds a NUL byte", line=text.count("\n", 0, text.index("\0")) + 1)
    try:
        # First, since Python's parser warns of what it should not take.
        return _foreign(text, path) or (text_format.Parse(text, ModelConfig()), locate(text))
    except text_format.ParseError as error:
        return _explained(error, path)
    except (RecursionError, ValueError, OverflowError) as error:
        return Finding.of("E201", path, f"cannot be parsed: {type(error).__name__}")


def _foreign(text: str, path: str) -> Finding | None:
    """The first piece of a text that Triton's parser does not take. Each is matched at once, however odd the text."""
    if not _SUSPECT.search(text):
        return None
    for piece in _PIECE.finditer(text):
        if string := piece["string"]:
            problem = "an escape that is none" if "\\" in _ESCAPE.sub("", string) else None
        elif number := piece["number"]:
            problem = None if _NUMBER.fullmatch(number) else f"{number!r}, a number that Triton does not read"
        else:
            other = piece["other"] or ""
            problem = f"{other!a} outside of a string" if other == "+" or not other.isascii() else None
        if problem:
            line = text.count("\n", 0, piece.start()) + 1
            return Finding.of("E201", path, f"has {problem}", line=line)
    return None


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
