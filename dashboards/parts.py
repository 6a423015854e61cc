"""The pieces that dashboards are made of: queries, panels, variables, links. Each panel says what it shows and why."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

TAG: Final = "tintype"
SOURCE: Final = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")
HEIGHT: Final = 8
WIDTH: Final = 12
WHOLE_WIDTH: Final = 24

Panel = timeseries.Panel | stat.Panel | table.Panel
Thresholds = Sequence[tuple[float | None, str]]
"""From which value on which colour; the first has no value."""
GOOD: Final[Thresholds] = ((None, "green"),)


@dataclass(frozen=True)
class Query:
    """A question to Prometheus, and how its answers are named in the legend."""

    expr: str
    legend: str = "{{namespace}}/{{modelversion}}"


@dataclass(frozen=True)
class Column:
    """A column of a table: a query with one row for each version, and how its value is shown.

    Attributes:
        title: Its title; empty where the query brings labels alone.
        expr: The query.
        unit: The value's unit.
    """

    title: str
    expr: str
    unit: str = "none"


@dataclass(frozen=True)
class Board:
    """A dashboard.

    Attributes:
        uid: Its name in links and of its file.
        title: Its title.
        description: What it answers.
        versions: Whether versions are chosen in it.
        namespaced: Whether namespaces are.
        since: The time that it shows when it is opened.
        rows: Panels under titles.
    """

    uid: str
    title: str
    description: str
    rows: Mapping[str, Sequence[Panel]]
    namespaced: bool = True
    versions: bool = False
    since: str = "now-6h"
    links: Sequence[str] = field(default_factory=tuple)


def graph(
    title: str, description: str, unit: str, *queries: Query, stacked: bool = False, thresholds: Thresholds = GOOD
) -> Panel:
    """Return lines over time."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .datasource(SOURCE)
        .height(HEIGHT)
        .span(WIDTH)
        .thresholds(_thresholds(thresholds))
        .targets([_target(query, number) for number, query in enumerate(queries)])
    )
    if len(thresholds) > 1:
        line = common_builders.GraphThresholdsStyleConfig().mode(common.GraphTresholdsStyleMode.DASHED)
        panel.thresholds_style(line)
    if stacked:
        panel.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL)).fill_opacity(30)
    return panel


def number(title: str, description: str, unit: str, query: Query, thresholds: Thresholds = GOOD) -> Panel:
    """Return one number, as it is now."""
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .datasource(SOURCE)
        .height(4)
        .span(6)
        .no_value("0")
        .thresholds(_thresholds(thresholds))
        .targets([_target(query, 0).instant()])
    )


def rows(title: str, description: str, columns: Sequence[Column], link: str | None = None) -> Panel:
    """Return a table with a row for each version, where the columns' queries meet; `link` is where its name leads."""
    panel = (
        table.Panel()
        .title(title)
        .description(description)
        .unit("none")
        .datasource(SOURCE)
        .height(12)
        .span(WHOLE_WIDTH)
        .thresholds(_thresholds(GOOD))
        .targets(
            [
                _target(Query(column.expr, ""), place).instant().format(PromQueryFormat.TABLE)
                for place, column in enumerate(columns)
            ]
        )
        .with_transformation(dashboard.DataTransformerConfig(id_val="merge", options={}))
        .with_transformation(dashboard.DataTransformerConfig(id_val="organize", options=_organized(columns)))
    )
    for column in columns:
        if column.title:
            panel.override_by_name(column.title, [dashboard.DynamicConfigValue("unit", column.unit)])
    if link:
        panel.override_by_name("modelversion", [dashboard.DynamicConfigValue("links", [_row_link(link)])])
    return panel


def document(board: Board) -> dict[str, Any]:
    """Return a dashboard as Grafana reads it."""
    made = (
        builders.Dashboard(board.title)
        .uid(board.uid)
        .description(board.description)
        .tags([TAG])
        .readonly()
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .time(board.since, "now")
        .refresh("30s")
        .timezone("browser")
        .with_variable(builders.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .link(_other_boards())
    )
    if board.namespaced:
        made.with_variable(_variable("namespace", "Namespace", "label_values(tintype_version_info, namespace)"))
    if board.versions:
        versions = 'label_values(tintype_version_info{namespace=~"$namespace"}, modelversion)'
        made.with_variable(_variable("modelversion", "Version", versions))
    for title, panels in board.rows.items():
        made.with_row(builders.Row(title))
        for panel in panels:
            made.with_panel(panel)
    found: dict[str, Any] = json.loads(json.dumps(made.build(), cls=JSONEncoder))
    for place, panel in enumerate(found["panels"], start=1):
        panel["id"] = place
    return found


def _target(query: Query, number: int) -> prometheus.Dataquery:
    made = prometheus.Dataquery().expr(query.expr).ref_id(chr(ord("A") + number)).datasource(SOURCE)
    return made.legend_format(query.legend) if query.legend else made


def _thresholds(steps: Thresholds) -> builders.ThresholdsConfig:
    made = [dashboard.Threshold(value=value, color=color) for value, color in steps]
    return builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(made)


def _variable(name: str, label: str, query: str) -> builders.QueryVariable:
    return (
        builders.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(query)
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .current(dashboard.VariableOption(selected=True, text=["All"], value=["$__all"]))
    )


def _other_boards() -> builders.DashboardLink:
    return (
        builders.DashboardLink("tintype")
        .type(dashboard.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .include_vars(True)
        .keep_time(True)
        .tooltip("The other dashboards of tintype")
    )


def _row_link(uid: str) -> dict[str, str]:
    chosen = "var-namespace=${__data.fields.namespace}&var-modelversion=${__value.raw}&var-datasource=${datasource}"
    return {"title": "Open the run", "url": f"/d/{uid}?{chosen}"}


def _organized(columns: Sequence[Column]) -> dict[str, Any]:
    """Return how the merged table is laid out: the queries' values by the columns' titles, without times."""
    names = {f"Value #{chr(ord('A') + place)}": column.title for place, column in enumerate(columns)}
    hidden = ["Time", *(name for name, title in names.items() if not title)]
    return {
        "excludeByName": dict.fromkeys(hidden, True),
        "renameByName": {name: title for name, title in names.items() if title},
    }
