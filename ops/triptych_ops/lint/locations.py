"""Where each key of a config.pbtxt stands: protobuf's parser keeps no positions."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_STRING = r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
_SPACE = r"(?:\s|\#[^\n]*)"
_TOKEN = re.compile(
    rf"""
      {_SPACE}+ | [:,;]  # what only separates
    | (?P<token>
        {_STRING} (?:{_SPACE}*{_STRING})*  # "adjacent" "strings" are one
        | [\w.+-]+
        | .
      )""",
    re.VERBOSE | re.DOTALL,
)
_CLOSING = {"{": "}", "<": ">"}


@dataclass(slots=True)
class Place:
    """One value: its line, and for a message what lies in it. Repeated keys are listed in order."""

    line: int  # where it begins, with its key unless it is in a list
    text: str = ""  # a scalar as it is written
    keys: dict[str, list["Place"]] = field(default_factory=dict)
    key_lines: dict[str, int] = field(default_factory=dict)  # of each key's first mention
    _maps: dict[str, dict[str | int, "Place"]] = field(default_factory=dict, repr=False)  # as `find` needs them

    def find(self, *path: str | int) -> "Place | None":
        """The value at a path, as `find("input", 0, "dims")`; a map's entry is named by its key.

        A key without a number means its first value.
        """
        if not path:
            return self
        values = self.keys.get(str(path[0]), [])
        rest = path[1:]
        if rest and isinstance(rest[0], int):
            values, rest = values[rest[0] : rest[0] + 1], rest[1:]
        elif rest and values and "key" in values[0].keys:
            entry = self._map(str(path[0])).get(rest[0])
            return entry.find(*rest[1:]) if entry else None
        return values[0].find(*rest) if values else None

    def _map(self, name: str) -> "dict[str | int, Place]":
        if name not in self._maps:
            self._maps[name] = {value._map_key: value for value in self.keys[name]}
        return self._maps[name]

    def line_of(self, *path: str | int) -> int | None:
        """The line of the value at a path, or of the nearest that was written around it."""
        for length in range(len(path), 0, -1):
            if place := self.find(*path[:length]):
                around, key = self.find(*path[: length - 1]), str(path[length - 1])
                first = around.keys.get(key) if around else None
                return around.key_lines[key] if around and first and first[0] is place else place.line
        return None

    @property
    def _map_key(self) -> str:
        keys = self.keys.get("key")
        return keys[0].text.strip("'\"") if keys else ""


def locate(text: str) -> Place:
    """The places of a text that protobuf has parsed already: only then is the result right.

    Raises:
        ValueError: it is no such text.
    """
    root = Place(1)
    tokens = _tokens(text)
    for token, line in tokens:
        _key(tokens, root, token, line)
    return root


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    line = 1
    for match in _TOKEN.finditer(text):
        if match["token"]:
            yield match["token"], line
        line += match[0].count("\n")


def _key(tokens: Iterator[tuple[str, int]], message: Place, key: str, line: int) -> None:
    values = message.keys.setdefault(key, [])
    message.key_lines.setdefault(key, line)
    first, _ = _next(tokens)
    if first != "[":
        values.append(_value(tokens, first, line))
        return
    while (item := _next(tokens))[0] != "]":
        values.append(_value(tokens, *item))


def _value(tokens: Iterator[tuple[str, int]], token: str, line: int) -> Place:
    value = Place(line)
    if token not in _CLOSING:
        value.text = token
        return value
    while (key := _next(tokens))[0] != _CLOSING[token]:
        _key(tokens, value, *key)
    return value


def _next(tokens: Iterator[tuple[str, int]]) -> tuple[str, int]:
    try:
        return next(tokens)
    except StopIteration as error:
        raise ValueError("a message without an end") from error
