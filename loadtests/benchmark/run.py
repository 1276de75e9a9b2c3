"""A whole run: releases, pictures, contestants, rounds."""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from loadtests.release_pipeline import ReleasePipeline

from . import pictures
from .answers import right_classes
from .contestants import SERVED, Contestant
from .limit import InProcess
from .releases import ReleaseFolder
from .rounds import AtWork, run_rounds
from .samples import Results
from .scenarios import CAMERA, LIMITS, TYPICAL, Scenario
from .service import Service

Pictures = Mapping[str, Sequence[bytes]]
Tell = Callable[[str], None]


def run(
    releases: Mapping[str, ReleaseFolder],
    names: Sequence[str],
    scenarios: Sequence[Scenario],
    *,
    rounds: int,
    seconds: float,
    tell: Tell = lambda _: None,
) -> Results:
    """Measure the contestants of these names.

    releases: precision -> release
    seconds:  of a scenario with share 1
    tell:     takes a line for each step

    Raises:
        ServerFailedError: a contestant did not start.
    """
    cores = len(os.sched_getaffinity(0))
    tell("making the pictures")
    sent = {TYPICAL: pictures.typical(), CAMERA: [pictures.twelve_megapixels()]}
    starts_s: dict[str, tuple[float, ...]] = {}
    with ExitStack() as stack:
        at_work: list[AtWork] = []
        for contestant in [one for one in SERVED if one.name in names]:
            tell(f"starting {contestant.name}")
            release = releases[contestant.precision]
            right = _right(release, sent)
            starts_s[contestant.name] = _rehearse(contestant, release, sent, right, cores=cores)
            service = stack.enter_context(Service(contestant, release, sent, right, cores=cores))
            starts_s[contestant.name] += (service.start_s,)
            at_work.append(service)
        for name in [each for each in LIMITS if each in names]:
            tell(f"starting {name}")
            at_work.append(stack.enter_context(InProcess(name, releases["fp32"].folder, sent, cores=cores)))

        def tell_turn(number: int, scenario: Scenario, name: str) -> None:
            tell(f"round {number} of {rounds}: {scenario.name} {name}")

        samples = tuple(run_rounds(at_work, scenarios, rounds=rounds, seconds=seconds, tell=tell_turn))
    return Results(samples, starts_s, cores=cores, rounds=rounds, seconds=seconds)


def _rehearse(
    contestant: Contestant,
    release: ReleaseFolder,
    sent: Pictures,
    right: Mapping[str, Sequence[frozenset[int]]],
    *,
    cores: int,
) -> tuple[float, ...]:
    """The starts before the one that stays."""
    starts_s = []
    for _ in range(contestant.starts - 1):
        with Service(contestant, release, sent, right, cores=cores) as service:
            starts_s.append(service.start_s)
    return tuple(starts_s)


def _right(release: ReleaseFolder, sent: Pictures) -> dict[str, list[frozenset[int]]]:
    pipeline = ReleasePipeline(release.folder)
    return {name: [right_classes(pipeline.classify(body)) for body in bodies] for name, bodies in sent.items()}
