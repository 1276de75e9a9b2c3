"""The page."""

from functools import cache

import jinja2

from .drawing import HEIGHT, WIDTH, chart, forest, spoken
from .story import Story

_HEADLINES = {
    "promoted": "{release} serves all requests.",
    "went back": "It went back to {over}.",
    "inconclusive": "The evidence did not tell, so it went back to {over}.",
    "under way": "It is under way.",
}


def page(story: Story) -> str:
    """The HTML: one file that loads nothing and runs nothing."""
    names = {"release": f"Release {story.release}", "over": f"release {story.over}"}
    return (
        _templates()
        .get_template("report.html.j2")
        .render(
            story=story,
            headline=_HEADLINES[story.end].format(**names),
            chart=chart(story),
            forests=[forest(metric) for metric in story.metrics],
            width=WIDTH,
            height=HEIGHT,
        )
    )


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("triptych_ops.rollout.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(spoken=spoken, figure=_figure)
    return environment


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:+.3f}"
