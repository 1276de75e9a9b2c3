"""Dashboards as code: what they show in tables, and Grafana's JSON that is generated from these.

panel.py                                 what a dashboard is made of; pure
overview.py  releases.py  capacity.py    the dashboards
grafana.py                               -> Grafana's JSON, the only importer of its SDK
"""

from collections.abc import Mapping
from typing import Final

from .capacity import CAPACITY
from .overview import OVERVIEW
from .panel import Dashboard, Kind, Panel, Query, Row, Source
from .releases import RELEASES

DASHBOARDS: Final = (OVERVIEW, RELEASES, CAPACITY)


def dashboard_files() -> Mapping[str, str]:
    """Name and text of each file, as Grafana imports them.

    Raises:
        ModuleNotFoundError: Grafana's SDK is not installed.
    """
    from .grafana import document

    return {f"{dashboard.name}.json": document(dashboard) for dashboard in DASHBOARDS}


__all__ = ["DASHBOARDS", "Dashboard", "Kind", "Panel", "Query", "Row", "Source", "dashboard_files"]
