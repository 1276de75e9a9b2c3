"""Vectors of images, as others read them: CSV or NPZ."""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from triptych_ops.errors import UsageError

from ..files import write_whole


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """One row an image."""

    names: tuple[str, ...]
    labels: tuple[str, ...]  # of the images
    columns: tuple[str, ...]  # `hog_0` ...
    vectors: NDArray[np.float64]  # (N, D)


def require_form(path: Path) -> None:
    """Check that a table can be written under this name.

    Raises:
        UsageError: the suffix is none of the known.
    """
    if path.suffix not in _FORMS:
        raise UsageError(f"{path} is neither .csv nor .npz; name a file of one of these forms")


def write_table(table: FeatureTable, path: Path) -> None:
    """Write the table whole or not at all, in the form that the file's suffix names.

    NPZ holds the arrays `image`, `label`, `column` and `vector`, and no pickle.

    Raises:
        UsageError: the suffix is none of the known.
    """
    require_form(path)
    write_whole(path, _FORMS[path.suffix](table))


def _csv(table: FeatureTable) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("image", "label", *table.columns))
    for name, label, vector in zip(table.names, table.labels, table.vectors, strict=True):
        writer.writerow((name, label, *map(repr, vector.tolist())))
    return text.getvalue().encode("utf-8", "surrogateescape")


def _npz(table: FeatureTable) -> bytes:
    content = io.BytesIO()
    np.savez_compressed(
        content,
        image=np.array(table.names),
        label=np.array(table.labels),
        column=np.array(table.columns),
        vector=table.vectors,
    )
    return content.getvalue()


_FORMS: Mapping[str, Callable[[FeatureTable], bytes]] = MappingProxyType({".csv": _csv, ".npz": _npz})
