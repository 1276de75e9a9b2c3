"""The results as rows of text. Pure."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from . import figures
from .bars import Verdict
from .samples import Results, Sample
from .scenarios import LEVELS, LIMIT, SCENARIOS

_NOTHING = "-"
_VERDICTS = {True: "pass", False: "FAIL", None: "not measured"}
_IN_DETAIL = ("1", "16")  # levels whose time is followed to processes and members
_SMALLEST_MS = 0.05


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below the names of their columns; the columns in `text` are words, the others figures."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    text: frozenset[int] = frozenset({0})


def tables(results: Results, verdicts: Sequence[Verdict]) -> Iterator[Table]:
    """All that a run has to tell; a table without rows is left out."""
    made = (_throughput(results), _latencies(results), _costs(results), _cpu(results), _members(results))
    yield from (table for table in made if table.rows)
    yield _bars(verdicts)


def _throughput(results: Results) -> Table:
    def cell(contestant: str, scenario: str) -> str:
        found = figures.throughput(results, contestant, scenario)
        if found is None:
            return _NOTHING
        ratio = figures.speed_ratio(results, contestant, LIMIT, scenario)
        share = "" if ratio is None or contestant == LIMIT else f" {ratio:.2f}x"
        return f"{found.median:.0f} ({found.least:.0f}-{found.most:.0f}){share}"

    title = "images/s by connections: median (least-most of the rounds), and of the limit in the same rounds"
    return _by_scenario(title, results, [level.name for level in LEVELS], cell)


def _latencies(results: Results) -> Table:
    def cell(contestant: str, scenario: str) -> str:
        p50, p99 = (figures.latency_s(results, contestant, scenario, share) for share in (0.5, 0.99))
        return _NOTHING if p50 is None or p99 is None else f"{p50 * 1e3:.1f} / {p99 * 1e3:.1f}"

    title = "latency by connections, ms: p50 / p99 of all rounds together"
    return _by_scenario(title, results, [scenario.name for scenario in SCENARIOS], cell)


def _by_scenario(title: str, results: Results, scenarios: Sequence[str], cell: Callable[[str, str], str]) -> Table:
    measured = {sample.scenario for sample in results.samples}
    columns = [scenario for scenario in scenarios if scenario in measured]
    rows = [(name, *(cell(name, scenario) for scenario in columns)) for name in results.contestants()]
    return Table(title, ("", *columns), rows if columns else [])


def _costs(results: Results) -> Table:
    rows = []
    for name in results.contestants():
        memory_bytes = figures.most_memory_bytes(results, name)
        start_s = figures.longest_start_s(results, name)
        generator_s = figures.generator_s_per_request(results, name, "16")
        rows.append(
            (
                name,
                f"{memory_bytes / 1e6:.0f}" if memory_bytes else _NOTHING,
                f"{start_s:.1f}" if start_s else _NOTHING,
                f"{generator_s * 1e3:.3f}" if generator_s else _NOTHING,
            )
        )
    columns = ("", "memory, MB", "start to first true answer, s", "load generator's CPU of a request, ms")
    return Table("what each takes", columns, rows)


def _cpu(results: Results) -> Table:
    rows = []
    for name in results.contestants():
        for level in _IN_DETAIL:
            samples = results.of(name, level).values()
            names = dict.fromkeys(process for sample in samples for process in sample.cpu_s_per_image)
            spent_ms = {process: _median_ms(samples, process) for process in names}
            parts = " + ".join(f"{process} {ms:.1f}" for process, ms in spent_ms.items() if ms >= _SMALLEST_MS)
            if parts:
                rows.append((name, level, f"{sum(spent_ms.values()):.1f}", parts))
    columns = ("", "connections", "all", "of which")
    return Table("CPU time of an image by process, ms: median of the rounds", columns, rows, frozenset({0, 3}))


def _median_ms(samples: Collection[Sample], process: str) -> float:
    return (figures.median(sample.cpu_s_per_image.get(process, 0.0) for sample in samples) or 0.0) * 1e3


def _members(results: Results) -> Table:
    rows = []
    for name in results.contestants():
        for level in _IN_DETAIL:
            samples = results.of(name, level).values()
            for member in dict.fromkeys(member for sample in samples for member in sample.members):
                times = reduce(add, (sample.members[member] for sample in samples))
                parts = (times.queue_s, times.compute_input_s, times.compute_infer_s, times.compute_output_s)
                cells = (f"{part / max(1, times.requests) * 1e3:.2f}" for part in parts)
                batch = times.requests / max(1, times.executions)
                rows.append((name, level, member, *cells, f"{batch:.1f}"))
    columns = ("", "connections", "member", "queue", "input", "infer", "output", "images a run")
    return Table("where an image's time goes in Triton, ms", columns, rows, frozenset({0, 2}))


def _bars(verdicts: Sequence[Verdict]) -> Table:
    rows = [
        (
            verdict.bar.what,
            _NOTHING if verdict.figure is None else f"{verdict.figure:.2f} {verdict.bar.unit}".rstrip(),
            f"{verdict.bar.sense.value} {verdict.bar.bound:g} {verdict.bar.unit}".rstrip(),
            _VERDICTS[verdict.passed],
        )
        for verdict in verdicts
    ]
    return Table("bars", ("", "figure", "bound", ""), rows, frozenset({0, 2, 3}))
