"""Tables -> Grafana's JSON, by its own SDK."""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Final

from grafana_foundation_sdk.builders import bargauge, common, heatmap, prometheus, stat, timeseries
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from .panel import VARIABLES_FROM, Dashboard, Kind, Panel, Query, Source, Variable

_DATASOURCE: Final = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
_HEIGHTS: Final = {Kind.NUMBER: 4}
_HEIGHT: Final = 8
_GREEN, _YELLOW, _RED = "green", "yellow", "red"
_OF_WHOLE: Final = "$__range"
"""A query over all of the time that is shown has one value, not a line."""


def document(dashboard: Dashboard) -> str:
    """What Grafana imports."""
    builder = (
        builders.Dashboard(dashboard.title)
        .uid(f"triptych-{dashboard.name}")
        .description(dashboard.description)
        .tags(["triptych"])
        .time("now-1h", "now")
        .refresh("30s")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .readonly()
        .link(_link())
        .with_variable(builders.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )
    for variable in dashboard.variables:
        builder.with_variable(_variable(variable))
    numbers = count(1)
    for row in dashboard.rows:
        builder.with_row(builders.Row(row.title).id(next(numbers)))
        for panel in row.panels:
            builder.with_panel(_panel(panel).id(next(numbers)))
    return JSONEncoder(indent=2, sort_keys=True, ensure_ascii=False).encode(builder.build()) + "\n"


def _link() -> builders.DashboardLink:
    """To the others, with the same choices."""
    link = builders.DashboardLink("Triptych").type(models.DashboardLinkType.DASHBOARDS).tags(["triptych"])
    return link.include_vars(True).keep_time(True)


def _variable(variable: Variable) -> builders.QueryVariable:
    narrowed = "" if variable.label == "namespace" else 'namespace=~"$namespace",'
    series = VARIABLES_FROM.replace("{", "{" + narrowed)
    builder = (
        builders.QueryVariable(variable.name)
        .label(variable.text)
        .query({"query": f"label_values({series}, {variable.label})", "refId": variable.name})
        .datasource(_DATASOURCE)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(
            models.VariableSort.NUMERICAL_ASC if variable.label == "release" else models.VariableSort.ALPHABETICAL_ASC
        )
    )
    if variable.several:
        every = models.VariableOption(selected=True, text=["All"], value=["$__all"])
        # A server that is scraped without such a label is meant, too.
        builder.multi(True).include_all(True).all_value(".*").current(every)
    return builder


def _panel(panel: Panel) -> Any:
    builder: Any = _DRAWN[panel.kind](panel)
    builder.title(panel.title).description(_description(panel)).datasource(_DATASOURCE)
    builder.height(_HEIGHTS.get(panel.kind, _HEIGHT)).span(panel.width).unit(panel.unit)
    if panel.kind is not Kind.HEATMAP:
        builder.thresholds(_thresholds(panel)).min(panel.least)
        if panel.most is not None:
            builder.max(panel.most)
    for number, query in enumerate(panel.queries):
        builder.with_target(_target(panel, query, chr(ord("A") + number)))
    return builder


def _description(panel: Panel) -> str:
    sources = dict.fromkeys(query.source for query in panel.queries if query.source is not Source.SERVERS)
    return panel.description + "".join(f" Needs {source}." for source in sources)


def _target(panel: Panel, query: Query, ref_id: str) -> prometheus.Dataquery:
    target = prometheus.Dataquery().expr(query.expression).legend_format(query.legend).ref_id(ref_id)
    if panel.kind is Kind.HEATMAP:
        target.format(PromQueryFormat.HEATMAP)
    return target.instant() if panel.kind is Kind.BARS or _OF_WHOLE in query.expression else target.range()


def _thresholds(panel: Panel) -> builders.ThresholdsConfig:
    colours: tuple[str, ...] = (_RED, _YELLOW, _GREEN) if panel.falling else (_GREEN, _YELLOW, _RED)
    if len(panel.thresholds) == 1:
        colours = (colours[0], colours[2])
    steps = [models.Threshold(value, colour) for value, colour in zip((None, *panel.thresholds), colours, strict=False)]
    return builders.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


def _lines(panel: Panel) -> timeseries.Panel:
    builder = (
        timeseries.Panel()
        .line_width(1)
        .fill_opacity(20 if panel.stacked else 0)
        .show_points(options.VisibilityMode.NEVER)
        .legend(
            common.VizLegendOptions()
            .display_mode(options.LegendDisplayMode.LIST)
            .placement(options.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI).sort(options.SortOrder.DESCENDING))
    )
    if panel.stacked:
        builder.stacking(common.StackingConfig().mode(options.StackingMode.NORMAL))
    if panel.thresholds:
        builder.thresholds_style(common.GraphThresholdsStyleConfig().mode(options.GraphTresholdsStyleMode.DASHED))
    return builder


def _number(_: Panel) -> stat.Panel:
    return (
        stat.Panel()
        .graph_mode(options.BigValueGraphMode.AREA)
        .color_mode(options.BigValueColorMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )


def _bars(_: Panel) -> bargauge.Panel:
    return (
        bargauge.Panel()
        .display_mode(options.BarGaugeDisplayMode.BASIC)
        .orientation(options.VizOrientation.HORIZONTAL)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )


def _heatmap(_: Panel) -> heatmap.Panel:
    # Prometheus' buckets hold all below them; in the format "heatmap" Grafana takes each from the next.
    return heatmap.Panel().calculate(False).show_legend().show_tooltip()


_DRAWN: Final[Mapping[Kind, Callable[[Panel], Any]]] = {
    Kind.LINES: _lines,
    Kind.NUMBER: _number,
    Kind.BARS: _bars,
    Kind.HEATMAP: _heatmap,
}
