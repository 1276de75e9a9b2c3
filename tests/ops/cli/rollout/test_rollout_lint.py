"""`triptych rollout lint` shows what a plan means."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from triptych_ops.cli.rollout.lint import lint


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        ("", "gates   answers, warm_up\n"),
        ("gates: []", "gates   none\n"),
        (
            "{prometheus: 'http://prom:9090', images_per_second: 40}",
            "answers, warm_up, capacity of 40 images/s a pod\n",
        ),
        ("prometheus: http://prom:9090", "gates   error budget of members-availability, answers"),
        ("sticky: {header: x-track, value: new}", "sticky  x-track=new goes to the candidate from step 1 on\n"),
    ],
)
def test_it_shows_what_comes_before_and_beside_the_weights(plan: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(plan)
    done = CliRunner().invoke(lint, [str(file)])
    assert done.exit_code == 0
    assert told in done.stdout
