"""What a dashboard is made of. Pure: nothing here knows Grafana's JSON."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Source(StrEnum):
    """Who must be scraped for a query to have data."""

    SERVERS = "Triton and the edge"
    CLIENTS = "an application with triptych.prometheus"
    GATEWAY = "triptych gateway"
    HISTORY = "a day and more of answers"
    KUBERNETES = "kube-state-metrics"
    CONTAINERS = "the kubelet (cAdvisor)"
    GPU = "a GPU"
    TLS = "an edge with a certificate"


class Kind(StrEnum):
    """How values are drawn."""

    LINES = "lines"
    NUMBER = "number"
    BARS = "bars"
    HEATMAP = "heatmap"


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL with the dashboard's variables, and what its series are called."""

    expression: str
    legend: str = ""
    source: Source = Source.SERVERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture.

    unit:        Grafana's name of it
    description: what it says, and what a bad value means
    thresholds:  from which value it is yellow and from which red, or red alone; with `falling`, below which it is red
                 and below which yellow
    least, most: of the values that there can be; None where there is no most
    width:       of 24
    """

    title: str
    description: str
    queries: tuple[Query, ...]
    unit: str
    kind: Kind = Kind.LINES
    thresholds: tuple[float, ...] = ()
    falling: bool = False
    stacked: bool = False
    least: float = 0
    most: float | None = None
    width: int = 8


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a title."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A choice above the panels: the values of `label`.

    several: some or all of them; else one
    """

    label: str
    name: str
    text: str
    several: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """A page of rows."""

    name: str
    title: str
    description: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]

    @property
    def panels(self) -> Iterator[Panel]:
        """Of all rows."""
        return (panel for row in self.rows for panel in row.panels)

    @property
    def queries(self) -> Iterator[tuple[Panel, Query]]:
        """Of all panels."""
        return ((panel, query) for panel in self.panels for query in panel.queries)


VARIABLES_FROM: Final = 'nv_inference_request_success{model="preprocess"}'
"""The series whose labels are the choices."""

RATE: Final = "$__rate_interval"
"""Grafana's: at least four scrapes."""

NAMESPACE: Final = 'namespace=~"$namespace"'
SERVED: Final = f'{NAMESPACE},track=~"$track",release=~"$release"'
"""Selectors of what was chosen."""

CHOICES: Final = (
    Variable(label="namespace", name="namespace", text="Namespace"),
    Variable(label="track", name="track", text="Track"),
    Variable(label="release", name="release", text="Release"),
)
