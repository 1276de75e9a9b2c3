import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from triptych_ops.errors import RefusedError
from triptych_ops.release import Manifest


@pytest.fixture
def manifest(manifest_of: Callable[[int, Path], Manifest], tmp_path: Path) -> Manifest:
    folder = tmp_path / "files"
    (folder / "repository").mkdir(parents=True)
    (folder / "repository" / "model.onnx").write_bytes(b"12345")
    (folder / "repository" / "labels.txt").write_bytes(b"123")
    return manifest_of(7, folder)


@pytest.fixture
def path(manifest: Manifest, tmp_path: Path) -> Path:
    manifest.write(tmp_path / "release.json")
    return tmp_path / "release.json"


def refusal(path: Path) -> str:
    with pytest.raises(RefusedError) as caught:
        Manifest.from_file(path)
    message = str(caught.value)
    assert str(path) in message
    assert message.splitlines() == [message]
    return message


def changed(path: Path, *keys: str, value: Any) -> None:
    """Set what lies at `keys` in the file; None removes it."""
    document = json.loads(path.read_bytes())
    target = document
    for key in keys[:-1]:
        target = target[key]
    if value is None:
        del target[keys[-1]]
    else:
        target[keys[-1]] = value
    path.write_text(json.dumps(document), encoding="utf-8")


def test_a_manifest_is_read_as_it_was_written(manifest: Manifest, path: Path) -> None:
    assert Manifest.from_file(path) == manifest


def test_the_key_of_the_weights_is_written_where_there_is_one_and_else_is_not_there(
    manifest: Manifest, path: Path
) -> None:
    assert "key" not in json.loads(path.read_bytes())["weights"]  # tooling from before it reads this
    keyed = manifest.model_copy(update={"weights": manifest.weights.model_copy(update={"key": "state_dict_ema"})})
    keyed.write(path)
    assert json.loads(path.read_bytes())["weights"]["key"] == "state_dict_ema"
    assert Manifest.from_file(path) == keyed


def test_a_manifest_is_indented_json_with_its_schema_version(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    document = json.loads(text)
    assert text.endswith("}\n")
    assert '\n  "number": 7,' in text
    assert (document["schema_version"], document["created_at"]) == (1, "2031-02-03T04:05:06Z")
    assert sorted(document["files"]) == ["repository/labels.txt", "repository/model.onnx"]


def test_the_size_is_that_of_all_files_together(manifest: Manifest) -> None:
    assert manifest.size_bytes == 8


def test_a_manifest_cannot_be_changed(manifest: Manifest) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        manifest.number = 8


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"number": 7', id="cut off"),
        pytest.param(b"not\njson", id="no JSON"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"architecture": "\xff\xfe"}', id="not UTF-8"),
        pytest.param("{}".encode("utf-16"), id="UTF-16"),
        pytest.param(b"[" * 100_000, id="too deep"),
        pytest.param(bytes(1000), id="zeros, as after a power failure"),
    ],
)
def test_a_file_that_is_no_manifest_at_all_is_refused(path: Path, body: bytes) -> None:
    path.write_bytes(body)
    assert "is corrupt" in refusal(path)


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("surprise",), 1),
        (("parity", "surprise"), 1),
        (("number",), None),
        (("files",), None),
        (("preprocessing", "mean"), None),
        (("schema_version",), 2),
        (("schema_version",), "1"),
        (("number",), 0),
        (("number",), "seven"),
        (("precision",), "int4"),
        (("created_at",), "yesterday"),
        (("files", "repository/model.onnx", "sha256"), "short"),
        (("files", "repository/model.onnx", "sha256"), "A" * 64),
        (("files", "repository/model.onnx", "size"), -1),
        (("preprocessing", "interpolation"), "nearest"),
    ],
    ids=str,
)
def test_a_damaged_manifest_is_refused_and_names_the_place(path: Path, keys: tuple[str, ...], value: object) -> None:
    changed(path, *keys, value=value)
    assert f" is corrupt: {'.'.join(keys)}: " in refusal(path)


def test_a_crop_larger_than_the_resize_is_refused(path: Path) -> None:
    changed(path, "preprocessing", "crop", value=37)
    assert "crop 37 is larger than resize 36" in refusal(path)


def test_a_missing_manifest_is_refused(tmp_path: Path) -> None:
    assert "is missing" in refusal(tmp_path / "release.json")


def test_a_manifest_that_is_no_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        assert "is missing or no file" in refusal(path)
