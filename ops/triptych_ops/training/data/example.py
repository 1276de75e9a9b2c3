"""tf.train.Example, as far as labelled images need it: features with one value each, and where they lie.

The messages, from tensorflow/core/example/feature.proto; 1, 2 and 3 are numbers of fields:
Example {1: Features {1: map entry {1: name, 2: Feature {1: BytesList | 3: Int64List {1: values}}}}}.
Parsed by hand, since protobuf's own parser does not say at which byte an image begins.
"""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MOST_VARINT_BYTES = 10
_INT64_SIGN = 1 << 63
_MOST_FEATURES = 10_000
_MOST_FIELDS = 16  # of each other message, which need one or two


@dataclass(frozen=True, slots=True)
class Feature:
    """The first value of a feature, within the record that it was parsed from."""

    record: bytes
    start: int  # of a byte value
    end: int
    number: int | None  # of an integer value

    @property
    def content(self) -> bytes:
        """A byte value."""
        return self.record[self.start : self.end]

    @property
    def integer(self) -> int:
        """An integer value.

        Raises:
            ValueError: it is none.
        """
        if self.number is None:
            raise ValueError("no integer")
        return self.number


def parse_example(record: bytes, names: Container[str]) -> dict[str, Feature]:
    """The features of a record with these names, as far as they have a value of bytes or an integer.

    Raises:
        ValueError: it is no Example, or has more than 10,000 features.
        IndexError: it is cut short.
    """
    features: dict[str, Feature] = {}
    for _, at, end in _fields(record, 0, len(record), wanted=(1,)):
        for _, entry_at, entry_end in _fields(record, at, end, wanted=(1,), most=_MOST_FEATURES):
            parts = {number: (start, stop) for number, start, stop in _fields(record, entry_at, entry_end)}
            if 1 in parts and 2 in parts:
                name = record[slice(*parts[1])].decode()
                if name in names and (feature := _feature(record, *parts[2])):
                    features[name] = feature
    return features


def encode_example(values: Mapping[str, bytes | int]) -> bytes:
    """A record of features with one value each."""
    entries = b""
    for name, value in values.items():
        values_list = _field(1, _varint(value) if isinstance(value, int) else value)  # integers are packed
        feature = _field(3 if isinstance(value, int) else 1, values_list)
        entries += _field(1, _field(1, name.encode()) + _field(2, feature))
    return _field(1, entries)


def _feature(record: bytes, at: int, end: int) -> Feature | None:
    for kind, list_at, list_end in _fields(record, at, end):
        for _, start, stop in _fields(record, list_at, list_end, wanted=(1,)):
            if kind == 1:
                return Feature(record, start, stop, None)
            if kind == 3:
                number = _read_varint(record, start)[0] % (2 * _INT64_SIGN)
                return Feature(record, start, stop, number - 2 * _INT64_SIGN * (number >= _INT64_SIGN))
    return None


def _fields(
    record: bytes, at: int, end: int, *, wanted: tuple[int, ...] = (), most: int = _MOST_FIELDS
) -> Iterator[tuple[int, int, int]]:
    """Number, start and end of each field between two bytes; of the wanted numbers, else of all."""
    for _ in range(most):
        if at >= end:
            return
        tag, at = _read_varint(record, at)
        number, kind = tag >> 3, tag & 7
        start = at
        if kind == _VARINT:
            _, at = _read_varint(record, at)
        elif kind == _BYTES:
            length, start = _read_varint(record, at)
            at = start + length
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"field type {kind}")
        if at > end:
            raise IndexError("a field reaches beyond its message")
        if not wanted or number in wanted:
            yield number, start, at
    if at < end:
        raise ValueError(f"a message of more than {most} fields")


def _read_varint(record: bytes, at: int) -> tuple[int, int]:
    value = 0
    for count in range(_MOST_VARINT_BYTES):
        byte = record[at + count]
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, at + count + 1
    raise ValueError("a number of more than 64 bits")


def _varint(value: int) -> bytes:
    encoded = b""
    while value > 0x7F:
        encoded += bytes([value & 0x7F | 0x80])
        value >>= 7
    return encoded + bytes([value])


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content
