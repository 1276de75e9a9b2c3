"""Settings that are tried. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Candidate:
    """Settings that differ from the defaults, by their name; the defaults themselves have none."""

    settings: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.settings.items()) or "defaults"


def variants(defaults: Mapping[str, int], values: Mapping[str, Sequence[int]]) -> list[Candidate]:
    """The defaults, and each value of each setting that is not the default, alone."""
    others = [
        Candidate({name: value}) for name, tried in values.items() for value in tried if value != defaults.get(name)
    ]
    return [Candidate(), *others]


def combined(candidates: Sequence[Candidate]) -> Candidate:
    """All of their settings in one; of two values of a setting the earlier one's."""
    settings: dict[str, int] = {}
    for candidate in candidates:
        settings = {**candidate.settings, **settings}
    return Candidate(settings)
