"""TFRecord files of tf.train.Example, read and written without TensorFlow.

A record: length (uint64), masked CRC-32C of the length, content, masked CRC-32C of the content, little-endian.
https://www.tensorflow.org/tutorials/load_data/tfrecord
The features are those of TensorFlow's own image sets: `image/encoded`, `image/class/label`, and, where they are there,
`image/class/text`, `image/filename`, and, where the images are divided already, our own `image/part`.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import google_crc32c

from triptych_ops.errors import RefusedError

from .content import FileRange
from .dataset import Dataset
from .example import Feature, encode_example, parse_example
from .foreign import MOST_IMAGE_BYTES, MOST_NOTE_BYTES, refusing_damage
from .labelled import Labelled, named_part, ordered_classes, parts_of_shards
from .structure import Layout, Part

SUFFIXES = frozenset({".tfrecord", ".tfrecords"})

_ENCODED, _LABEL, _TEXT, _NAME = "image/encoded", "image/class/label", "image/class/text", "image/filename"
_PART = "image/part"
_FEATURES = frozenset({_ENCODED, _LABEL, _TEXT, _NAME, _PART})
_MOST_RECORD_BYTES = 2 * (MOST_IMAGE_BYTES + MOST_NOTE_BYTES)  # others may keep a second form of the image beside it
_LENGTH, _CHECKSUM = struct.Struct("<Q"), struct.Struct("<I")
_COMPRESSED = (b"\x1f\x8b\x08", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")  # of RFC 1952 and RFC 1950
_MASK = 0xA282EAD8  # so that a checksum of data that holds checksums stays sound


def read_tfrecord(path: Path, shards: list[Path], layout: Layout = "auto") -> Dataset:
    """The labelled images of all shards; `path` is what holds them.

    Raises:
        RefusedError: a shard is damaged, or a record holds no labelled image.
    """
    found: list[Labelled] = []
    parts = parts_of_shards(shards)
    for shard in shards:
        with refusing_damage(shard, "TFRecord file"), shard.open("rb") as file:
            for number, (start, content) in enumerate(_records(shard, file)):
                found.append(_labelled(shard, number, start, content, parts[shard]))
    return ordered_classes(path, "tfrecord", found, layout=layout)


def write_tfrecord(dataset: Dataset, path: Path) -> None:
    """Write all samples into one file."""
    with path.open("wb") as file:
        for sample in dataset.samples:
            values: dict[str, bytes | int] = {
                _ENCODED: sample.read(),
                _LABEL: sample.label,
                _TEXT: dataset.classes[sample.label].encode(),
                _NAME: sample.name.encode(),
            }
            if sample.part:
                values[_PART] = sample.part.encode()
            example = encode_example(values)
            length = _LENGTH.pack(len(example))
            file.write(length + _checksum(length) + example + _checksum(example))


def _records(shard: Path, file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Where each record's content begins, and the content."""
    size = shard.stat().st_size
    while header := file.read(_LENGTH.size + _CHECKSUM.size):
        length, checksum = header[: _LENGTH.size], header[_LENGTH.size :]
        at = file.tell()
        if len(header) < _LENGTH.size + _CHECKSUM.size or _checksum(length) != checksum:
            if at == _LENGTH.size + _CHECKSUM.size and header.startswith(_COMPRESSED):
                raise RefusedError(
                    f"{shard} is compressed, as TensorFlow's GZIP and ZLIB options do; decompress it first"
                )
            raise RefusedError(f"{shard} is damaged before byte {at}, or no TFRecord file; copy it anew")
        count = _LENGTH.unpack(length)[0]
        if at + count <= size and count > _MOST_RECORD_BYTES:
            raise RefusedError(f"{shard} has a record of {count:,} bytes, at most {_MOST_RECORD_BYTES:,} are read")
        content = file.read(count) if at + count + _CHECKSUM.size <= size else b""
        if _checksum(content) != file.read(_CHECKSUM.size):
            raise RefusedError(f"{shard} is damaged or cut short after byte {at}; copy it anew")
        yield at, content


def _labelled(shard: Path, number: int, start: int, content: bytes, part: Part | None) -> Labelled:
    try:
        features = parse_example(content, _FEATURES)
        encoded, label = features[_ENCODED], features[_LABEL].integer
        text, name = (_text(features, feature) for feature in (_TEXT, _NAME))
        part = named_part(_text(features, _PART)) or part
    except (KeyError, IndexError, ValueError) as error:
        raise RefusedError(
            f"record {number} of {shard} holds no labelled image: it needs {_ENCODED}, {_LABEL}"
        ) from error
    image = FileRange(shard, start + encoded.start, encoded.end - encoded.start)
    return Labelled(name or f"{shard.name}/{number:08}", label, text or str(label), image, part)


def _text(features: dict[str, Feature], name: str) -> str:
    return features[name].content.decode() if name in features else ""


def _checksum(content: bytes) -> bytes:
    checksum = google_crc32c.value(content)
    return _CHECKSUM.pack(((checksum >> 15 | checksum << 17) + _MASK) & 0xFFFFFFFF)
