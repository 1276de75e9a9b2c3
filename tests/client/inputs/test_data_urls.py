import base64

import pytest

from triptych import ImageError
from triptych.inputs.data_urls import decoded, is_data_url
from triptych.inputs.images import encoded

BODY = bytes(range(256))
PACKED = base64.b64encode(BODY).decode()


@pytest.mark.parametrize(
    ("url", "body"),
    [
        (f"data:image/png;base64,{PACKED}", BODY),
        (f"DATA:;BASE64,{PACKED}", BODY),
        (f"data:image/png;name=a.png; base64,{PACKED.rstrip('=')}", BODY),
        (f"data:image/png;base64,{PACKED[:40]}\r\n {PACKED[40:]}", BODY),
        (f"data:;base64,{PACKED.replace('+', '%2B').replace('/', '%2F').replace('=', '%3D')}", BODY),
        ("data:," + "".join(f"%{byte:02X}" for byte in BODY), BODY),
        ("data:image/svg+xml,a%20b+c,d", b"a b+c,d"),
        ("data:text/plain;charset=utf-8,k%C3%A4tzchen", "kätzchen".encode()),
        ("data:,base64", b"base64"),
        ("data:,", b""),
    ],
)
def test_a_data_url_carries_its_bytes(url: str, body: bytes) -> None:
    assert is_data_url(url)
    assert decoded(url) == body


@pytest.mark.parametrize("url", ["data:image/png;base64", "data:", "data:;base64,@@@@", "data:;base64,AAAAA"])
def test_a_data_url_that_cannot_be_read_is_refused_by_its_place(url: str) -> None:
    with pytest.raises(ImageError, match="data: URL cannot be read") as caught:
        encoded(url, index=3)
    assert (caught.value.code, caught.value.source) == ("unreadable", "image 3")


def test_an_image_in_a_data_url_is_called_by_its_place() -> None:
    assert encoded(f"data:;base64,{PACKED}", index=3) == (BODY, "image 3")
    with pytest.raises(ImageError) as caught:
        encoded("data:,")
    assert caught.value.code == "empty_image"


@pytest.mark.parametrize("path", ["data", "database.jpg", "./data:,x", "/data:,x"])
def test_a_path_is_no_data_url(path: str) -> None:
    assert not is_data_url(path)
