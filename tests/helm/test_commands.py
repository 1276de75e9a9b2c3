"""The containers' commands are the tooling's own, with flags that it has."""

from importlib import import_module

import click
import pytest

from helm.chart import SCENARIOS, render_scenario

_COMMANDS = {
    "pull": ("triptych_ops.cli.release.pull", "pull_release", ["release", "pull"]),
    "health": ("triptych_ops.cli.probes", "probes", ["probes"]),
    "edge": ("triptych_ops.cli.edge", "edge", ["edge"]),
}
"""Container -> module, function, words of the command."""


@pytest.mark.parametrize("container", _COMMANDS)
def test_every_flag_is_one_that_the_command_has(container: str) -> None:
    module, function, words = _COMMANDS[container]
    command: click.Command = getattr(import_module(module), function)
    known = {option for parameter in command.params for option in parameter.opts}
    for scenario in set(SCENARIOS) - {"restricted"}:
        arguments = render_scenario(scenario).container(container)["args"]
        assert arguments[: len(words)] == words
        flags = {each.partition("=")[0] for each in arguments if each.startswith("--")}
        assert flags <= known, scenario
