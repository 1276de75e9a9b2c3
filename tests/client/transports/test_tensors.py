from random import Random
from typing import Any

import numpy as np
import pytest
from tritonclient.utils import deserialize_bytes_tensor, serialize_byte_tensor

from triptych import ProtocolError, contract
from triptych.transports.tensors import decoded, of_images


@pytest.mark.parametrize("images", [(), (b"",), (b"one", b"", b"\xff" * 1000)])
def test_images_are_triton_s_bytes_tensor(images: tuple[bytes, ...]) -> None:
    data = of_images(images)
    assert list(deserialize_bytes_tensor(data)) == list(images)
    assert decoded(data, datatype="BYTES", shape=[len(images), 1])[:, 0].tolist() == list(images)
    if images:
        assert data == serialize_byte_tensor(np.array(images, np.object_)).item()


@pytest.mark.parametrize(
    ("datatype", "dtype"), [("INT32", np.int32), ("FP32", np.float32), ("UINT8", np.uint8), ("INT64", np.int64)]
)
def test_numbers_are_read_as_they_lie(datatype: str, dtype: Any) -> None:
    values = np.arange(6, dtype=dtype).reshape(2, 3)
    found = decoded(values.tobytes(), datatype=datatype, shape=[2, 3])
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, values)


def test_every_output_of_the_contract_can_be_read() -> None:
    for datatype in contract.OUTPUTS.values():
        assert decoded(b"", datatype=datatype, shape=[0, 5]).shape == (0, 5)


@pytest.mark.parametrize(
    ("data", "datatype", "shape"),
    [
        (b"\0", "FP32", [1]),
        (b"\0" * 4, "FP32", [2]),
        (b"\0" * 8, "FP32", [1]),
        (b"\0" * 4, "FP32", [-1, -1]),
        (b"\0" * 4, "FP32", [10**30]),
        (b"\0" * 4, "FP32", [2**62, 2**62]),
        (b"\0" * 4, "FP32", ["1"]),
        (b"\0" * 4, "FP32", [1.5]),
        (b"\0" * 4, "FP32", [None]),
        (b"\0" * 3, "WORDS", [1]),
        (b"\x09\0\0\0ab", "BYTES", [1]),
        (b"\x02\0", "BYTES", [1]),
        (b"\x02\0\0\0ab", "BYTES", [2]),
    ],
)
def test_bytes_that_do_not_fit_break_the_contract(data: bytes, datatype: str, shape: list[Any]) -> None:
    with pytest.raises(ProtocolError, match="do not fit its shape"):
        decoded(data, datatype=datatype, shape=shape)


def test_rubbish_is_an_error_or_an_array() -> None:
    draw = Random(1)  # noqa: S311
    refused = 0
    for _ in range(2000):
        data = draw.randbytes(draw.randrange(40))
        shape = [draw.randrange(-2, 5) for _ in range(draw.randrange(3))]
        try:
            decoded(data, datatype=draw.choice(["BYTES", "FP32", "INT32", "BOOL", "FP16", "?"]), shape=shape)
        except ProtocolError:
            refused += 1
    assert 1000 < refused < 2000
