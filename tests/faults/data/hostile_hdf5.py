"""HDF5 files that point elsewhere, claim what they do not hold, or are not what their names say."""

import struct
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import h5py
import numpy as np
from PIL import Image

_COUNT = 6
Make = Callable[[h5py.File, Path], None]  # is given a file to fill, and a file outside


def encoded(number: int) -> bytes:
    """A small picture as PNG, another for each number."""
    pixels = np.random.default_rng(number).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    content = BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def _sound(file: h5py.File, *without: str) -> None:
    """Write what a sound file of encoded images holds, but for some of it."""
    contents = [encoded(number) for number in range(_COUNT)]
    text = h5py.string_dtype()
    values: dict[str, Any] = {
        "images": np.frombuffer(b"".join(contents), np.uint8),
        "offsets": np.cumsum([0, *map(len, contents)], dtype=np.int64),
        "labels": np.arange(_COUNT, dtype=np.int64) % 2,
        "names": np.array([f"{'cat' if n % 2 else 'dog'}/{n}.png" for n in range(_COUNT)], dtype=text),
        "classes": np.array(["dog", "cat"], dtype=text),
    }
    for name, value in values.items():
        if name not in without:
            file[name] = value


def _pixels(file: h5py.File, **options: Any) -> None:
    file.create_dataset("images", (_COUNT, 8, 8), np.uint8, **options)
    file["labels"] = np.arange(_COUNT) % 2


def _replaced(name: str, value: Any) -> Make:
    def make(file: h5py.File, _outside: Path) -> None:
        _sound(file, name)
        file[name] = value

    return make


def _claimed(name: str, shape: tuple[int, ...], dtype: Any, **options: Any) -> Make:
    def make(file: h5py.File, _outside: Path) -> None:
        _sound(file, name)
        file.create_dataset(name, shape, dtype, **options)

    return make


def _external(name: str) -> Make:
    def make(file: h5py.File, outside: Path) -> None:
        _sound(file, name)
        size = outside.stat().st_size
        shapes = {"images": (_COUNT, 4, 4), "labels": (_COUNT,), "offsets": (_COUNT + 1,), "names": (_COUNT,)}
        kinds = {"images": np.uint8, "names": "S8"}
        file.create_dataset(name, shapes[name], kinds.get(name, np.int64), external=[(str(outside), 0, size)])

    return make


def _external_pixels(file: h5py.File, outside: Path) -> None:
    _pixels(file, external=[(str(outside), 0, outside.stat().st_size)])


def _virtual(file: h5py.File, outside: Path) -> None:
    plan = h5py.VirtualLayout((_COUNT, 8, 8), np.uint8)
    plan[:] = h5py.VirtualSource(str(outside.with_suffix(".h5")), "images", (_COUNT, 8, 8))
    file.create_virtual_dataset("images", plan)
    file["labels"] = np.arange(_COUNT) % 2


def _linked(name: str, link: Callable[[Path], Any]) -> Make:
    def make(file: h5py.File, outside: Path) -> None:
        _sound(file, name)
        file[name] = link(outside)

    return make


def _through_group(file: h5py.File, outside: Path) -> None:
    _sound(file, "images")
    file["away"] = h5py.ExternalLink(str(outside.with_suffix(".h5")), "/")
    file["images"] = h5py.SoftLink("/away/images")


def _cycle(file: h5py.File, _outside: Path) -> None:
    _sound(file, "images")
    file["images"] = file["/"]


def _group(file: h5py.File, _outside: Path) -> None:
    _sound(file, "images")
    file.create_group("images")


def _type(file: h5py.File, _outside: Path) -> None:
    _sound(file, "images")
    file["images"] = np.dtype("i4")


def _references(file: h5py.File, _outside: Path) -> None:
    _sound(file, "names")
    file.create_dataset("names", data=[file["labels"].ref] * _COUNT, dtype=h5py.ref_dtype)


def _unknown_filter(file: h5py.File, _outside: Path) -> None:
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk((_COUNT, 8, 8))
    plan.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, (3,))
    space = h5py.h5s.create_simple((_COUNT, 8, 8))
    h5py.h5d.create(file.id, b"images", h5py.h5t.NATIVE_UINT8, space, plan)
    file["labels"] = np.arange(_COUNT) % 2


def _packed_zeros(file: h5py.File, _outside: Path) -> None:
    images = file.create_dataset("images", (200_000, 512, 512), np.uint8, chunks=(64, 512, 512), compression="gzip")
    images[0] = 7
    file.create_dataset("labels", (200_000,), np.int8, compression="gzip", chunks=(200_000,))[:] = 1


def _large_chunk(file: h5py.File, _outside: Path) -> None:
    _sound(file, "labels")
    labels = file.create_dataset("labels", (40_000_000,), np.int64, chunks=(40_000_000,), compression="gzip")
    del labels  # no part of it is written


def _one_string_for_all(file: h5py.File, _outside: Path) -> None:
    """Every name is the same long string: `patch_strings` writes the reference to it over all others."""
    _sound(file, "names")
    names = ["x" * 60_000, *(f"name {number}" for number in range(3_000))]
    file["names"] = np.array(names, dtype=h5py.string_dtype())


MAKERS: Mapping[str, Make] = MappingProxyType(
    {
        "external images": _external("images"),
        "external pixels": _external_pixels,
        "external labels": _external("labels"),
        "external offsets": _external("offsets"),
        "external names": _external("names"),
        "external link": _linked(
            "images", lambda outside: h5py.ExternalLink(str(outside.with_suffix(".h5")), "images")
        ),
        "external link of labels": _linked(
            "labels", lambda outside: h5py.ExternalLink(str(outside.with_suffix(".h5")), "labels")
        ),
        "external link of classes": _linked(
            "classes", lambda outside: h5py.ExternalLink(str(outside.with_suffix(".h5")), "classes")
        ),
        "soft link": _linked("images", lambda _outside: h5py.SoftLink("/offsets")),
        "dangling link": _linked("images", lambda _outside: h5py.SoftLink("/nothing")),
        "link through a group": _through_group,
        "virtual pixels": _virtual,
        "a cycle": _cycle,
        "a group": _group,
        "a named type": _type,
        "references": _references,
        "an unknown filter": _unknown_filter,
        "packed zeros": _packed_zeros,
        "a chunk of 320 MB": _large_chunk,
        "one string for all": _one_string_for_all,
        "4 GB of labels": _claimed("labels", (1 << 29,), np.int64, chunks=(1 << 16,)),
        "4 GB of offsets": _claimed("offsets", (1 << 29,), np.int64, chunks=(1 << 16,)),
        "4 GB of names": _claimed("names", (1 << 22,), "S1024", chunks=(1 << 10,)),
        "4 GB of classes": _claimed("classes", (1 << 27,), h5py.string_dtype(), chunks=(1 << 12,)),
        "a name of 1 GB": _claimed("names", (_COUNT,), "S1073741824", chunks=(1,)),
        "many large pixels": _claimed("images", (1 << 20, 1 << 15, 1 << 15), np.uint8, chunks=(1, 256, 256)),
        "more axes": _claimed("images", (1 << 9,) * 7, np.uint8, chunks=(1,) * 7),
        "endless": _claimed("labels", (2,), np.int64, maxshape=(None,)),
        "a label of 2**62": _replaced("labels", np.array([1 << 62] * _COUNT)),
        "a negative label": _replaced("labels", np.array([-1] * _COUNT)),
        "labels without sign": _replaced("labels", np.array([(1 << 64) - 1] * _COUNT, np.uint64)),
        "labels that are floats": _replaced("labels", np.array([np.nan] * _COUNT)),
        "labels that are texts": _replaced("labels", np.array(["cat"] * _COUNT, dtype=h5py.string_dtype())),
        "labels that are true": _replaced("labels", np.array([True, False] * (_COUNT // 2))),
        "labels in columns": _replaced("labels", np.zeros((_COUNT, 1), np.int64)),
        "labels in a row": _replaced("labels", np.zeros((1, _COUNT), np.int64)),
        "one label": _replaced("labels", 3),
        "no labels": _replaced("labels", np.zeros(0, np.int64)),
        "an empty space": _replaced("labels", h5py.Empty("i8")),
        "an empty image space": _replaced("images", h5py.Empty("u1")),
        "negative offsets": _replaced("offsets", np.arange(-3, _COUNT - 2)),
        "falling offsets": _replaced("offsets", np.arange(_COUNT, -1, -1)),
        "far offsets": _replaced("offsets", np.array([0] * _COUNT + [1 << 62])),
        "offsets without sign": _replaced("offsets", np.array([0] * _COUNT + [(1 << 64) - 1], np.uint64)),
        "offsets that are floats": _replaced("offsets", np.full(_COUNT + 1, np.inf)),
        "no offsets": _replaced("offsets", np.zeros(0, np.int64)),
        "few offsets": _replaced("offsets", np.zeros(2, np.int64)),
        "images that are texts": _replaced("images", np.array(["cat"] * _COUNT, dtype=h5py.string_dtype())),
        "images that are floats": _replaced("images", np.zeros((_COUNT, 8, 8), np.float32)),
        "images of two channels": _replaced("images", np.zeros((_COUNT, 8, 8, 2), np.uint8)),
        "images without pixels": _replaced("images", np.zeros((_COUNT, 0, 8), np.uint8)),
        "images of records": _replaced("images", np.zeros(_COUNT, [("a", "u1"), ("b", "u1")])),
        "images of arrays": _replaced("images", np.zeros(_COUNT, [("a", "u1", (4, 4))])),
        "images that are opaque": _replaced("images", np.zeros(_COUNT, "V16")),
        "images that are numbers": _replaced("images", np.zeros(_COUNT, "i8")),
        "one image": _replaced("images", np.uint8(3)),
        "names that are numbers": _replaced("names", np.arange(_COUNT)),
        "names with NUL": _replaced("names", np.array([f"a\\x00{n}".encode() for n in range(_COUNT)], "S8")),
        "names that are no UTF-8": _replaced("names", np.array([b"\xff\xfe%d" % n for n in range(_COUNT)], "S8")),
        "names that are empty": _replaced("names", np.array([""] * _COUNT, dtype=h5py.string_dtype())),
        "names that are one": _replaced("names", np.array(["a"] * _COUNT, dtype=h5py.string_dtype())),
        "names upwards": _replaced(
            "names", np.array([f"cat/../../{n}.png" for n in range(_COUNT)], dtype=h5py.string_dtype())
        ),
        "names from the root": _replaced("names", np.array([f"/cat/{n}" for n in range(_COUNT)], dtype="S16")),
        "names that are long": _replaced(
            "names", np.array([f"cat/{n}" + "x" * 5000 for n in range(_COUNT)], dtype="S")
        ),
        "names of lines": _replaced("names", np.array([f"cat\n{n}\x1b[31m" for n in range(_COUNT)], dtype="S16")),
        "classes of lines": _replaced("classes", np.array(["a\nb", "c"], dtype=h5py.string_dtype())),
        "classes that are one": _replaced("classes", np.array(["a", "a"], dtype=h5py.string_dtype())),
        "classes that look alike": _replaced("classes", np.array(["Cafe", "CAFE"], dtype=h5py.string_dtype())),
        "no classes": _replaced("classes", np.zeros(0, "S4")),
        "classes upwards": _replaced("classes", np.array(["..", "a/b"], dtype=h5py.string_dtype())),
        "unknown parts": _replaced("parts", np.array(["mine"] * _COUNT, dtype=h5py.string_dtype())),
        "parts of some": _replaced("parts", np.array(["train", "", "", "", "", ""], dtype=h5py.string_dtype())),
        "few parts": _replaced("parts", np.array(["train"], dtype=h5py.string_dtype())),
    }
)


def write(folder: Path, outside: Path) -> dict[str, Path]:
    """Write every hostile file below `folder`; `outside` and `outside` with the suffix .h5 are what some point at."""
    paths = {}
    for number, (name, make) in enumerate(MAKERS.items()):
        paths[name] = folder / f"{number:03}.h5"
        with h5py.File(paths[name], "w", libver=("earliest", "latest")) as file:
            make(file, outside)
    _patch_strings(paths["one string for all"])
    return paths


def sound(folder: Path) -> list[Path]:
    """Write files that are sound, to be damaged; without checksums, which would find any damage."""
    paths = [folder / "encoded.h5", folder / "pixels.h5", folder / "packed.h5", folder / "later.h5"]
    for path in paths:
        with h5py.File(path, "w", libver="latest" if path.stem == "later" else ("earliest", "latest")) as file:
            if path.stem in ("encoded", "later"):
                _sound(file)
            else:
                _pixels(file, **({"chunks": (2, 8, 8), "compression": "gzip"} if path.stem == "packed" else {}))
    return paths


def _patch_strings(path: Path) -> None:
    content = bytearray(path.read_bytes())
    start = content.find(struct.pack("<I", 60_000) + content[-8:-8])
    while start >= 0:
        reference = bytes(content[start : start + 16])  # length, address of the heap, number in it
        following = struct.pack("<I", len("name 0"))
        if content[start + 16 : start + 20] == following:
            for number in range(1, 3_001):
                content[start + 16 * number : start + 16 * (number + 1)] = reference
            break
        start = content.find(struct.pack("<I", 60_000), start + 1)
    path.write_bytes(content)
