from pathlib import Path

import pytest

from triptych_ops.errors import MissingError, UsageError
from triptych_ops.runtime.edge import ApiKey, read_api_keys


def written(folder: Path, text: str, *, mode: int = 0o600) -> Path:
    path = folder / "keys"
    path.write_bytes(text.encode("latin-1"))
    path.chmod(mode)
    return path


def test_keys_are_read_by_line(tmp_path: Path) -> None:
    path = written(tmp_path, "# of the shop\nshop: abcdefghijklmnop\n\n  team@x-1 :  a:b=/+0123456789AB \n")
    assert read_api_keys(path) == (ApiKey("shop", "abcdefghijklmnop"), ApiKey("team@x-1", "a:b=/+0123456789AB"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no key"),
        ("# only words\n", "has no key"),
        ("shop abcdefghijklmnop", "line 1 is not `client: key`"),
        ("\nshop: abcdefgh ijklmnop", "line 2 is not `client: key`"),
        ("the shop: abcdefghijklmnop", "line 1 is not"),
        ("shop: abcdefghijklmno", "the key of shop has fewer than 16 characters"),
        ("shop: \xe9abcdefghijklmnop", "is not text"),
    ],
)
def test_a_file_that_lets_in_nobody_or_anybody_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as raised:
        read_api_keys(written(tmp_path, text))
    assert "abcdefgh" not in str(raised.value)


def test_a_file_that_everybody_may_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="chmod o-rwx"):
        read_api_keys(written(tmp_path, "shop: abcdefghijklmnop", mode=0o644))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="keys is not a file"):
        read_api_keys(tmp_path / "keys")
