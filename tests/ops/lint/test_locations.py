"""The line of a key is where an editor shows it."""

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from triptych_ops.lint.locations import locate

TEXT = """\
# input { name: "no" }
name: "a" # max_batch_size: 1
  'b'
max_batch_size: 3; input [ { name: "one" dims: [ 1,
  2 ] },
  { name: "two # { \\" }"
    reshape: < shape: [ ] > } ]
input: { name: "three"
}
parameters { key: "x" value: { string_value: "1" } }
parameters {
  value { string_value: "2" }
  key: "y"
}
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("name",), 2),
        (("max_batch_size",), 4),
        (("input",), 4),
        (("input", 0, "dims"), 4),
        (("input", 0, "dims", 1), 5),
        (("input", 1), 6),
        (("input", 1, "name"), 6),
        (("input", 1, "reshape"), 7),
        (("input", 1, "data_type"), 6),  # not written: the nearest around it
        (("input", 2, "name"), 8),
        (("parameters", "x"), 10),
        (("parameters", "y"), 11),
        (("parameters", "y", "value"), 12),
        (("parameters", "z"), 10),
        (("backend",), None),
    ],
)
def test_each_key_is_found_at_its_line(path: tuple[str | int, ...], line: int | None) -> None:
    text_format.Parse(TEXT, ModelConfig())
    assert locate(TEXT).line_of(*path) == line


def test_every_key_of_a_configuration_is_found(checkout_configs: list[str]) -> None:
    for text in checkout_configs:
        places = locate(text)
        rows = text.splitlines()
        for field, _ in text_format.Parse(text, ModelConfig()).ListFields():
            line = places.line_of(field.name)
            assert line is not None
            assert rows[line - 1].lstrip().startswith(field.name)
