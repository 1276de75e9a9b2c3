from pathlib import Path

import pytest

from triptych_ops import triton_config
from triptych_ops.errors import RefusedError


def test_a_configuration_is_read_as_it_was_written(checkout: Path, tmp_path: Path) -> None:
    template = checkout / "model_repository" / "image_classifier" / "config.pbtxt"
    config = triton_config.read(template)
    assert (config.name, config.max_batch_size, len(config.output)) == ("image_classifier", 32, 5)
    triton_config.write(config, tmp_path / "config.pbtxt")
    assert triton_config.read(tmp_path / "config.pbtxt") == config


@pytest.mark.parametrize("text", ['name: "x', "nonsense", "max_batch_size: many", 'unknown_field: "x"'])
def test_a_configuration_that_triton_would_not_parse_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.pbtxt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RefusedError) as caught:
        triton_config.read(path)
    assert str(caught.value).startswith(f"{path}: ")
