"""The pieces that dashboards are made of: queries, panels, variables, links. Each panel says what it shows and why."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

TAG: Final = "tintype"
SOURCE: Final = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")
REPORTS: Final = "https://s3.example.com"
"""Where buckets are served to browsers; the chart puts monitoring.reports in its place."""
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
        thresholds: The colours of its text.
    """

    title: str
    expr: str
    unit: str = "none"
    thresholds: Thresholds = ()


@dataclass(frozen=True)
class Board:
    """A dashboard.

    Attributes:
        uid: Its name in links and of its file.
        title: Its title.
        description: What it answers.
        versions: Whether versions are chosen in it.
        namespaced: Whether namespaces are.
        reports: Whether it leads to reports, whose address is told in it.
        since: The time that it shows when it is opened.
        rows: Panels under titles.
    """

    uid: str
    title: str
    description: str
    rows: Mapping[str, Sequence[Panel]]
    namespaced: bool = True
    versions: bool = False
    reports: bool = False
    since: str = "now-6h"


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
        .legend(
            common_builders.VizLegendOptions()
            .show_legend(True)
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
            .calcs(["lastNotNull"])
        )
        .tooltip(common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
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
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
        .color_mode(common.BigValueColorMode.VALUE)
        .graph_mode(common.BigValueGraphMode.NONE)
        .thresholds(_thresholds(thresholds))
        .targets([_target(query, 0).instant()])
    )


def rows(
    title: str,
    description: str,
    labels: Mapping[str, str],
    columns: Sequence[Column],
    height: int = 6,
    newest: str | None = None,
) -> Panel:
    """Return a table where the columns' queries meet.

    Args:
        title: Its title.
        description: What it shows.
        labels: Titles of the columns of labels, which come first; a version leads to its run, a report to itself.
        columns: Columns of values, after them.
        height: In units of the grid.
        newest: Title of the column by which it is sorted, the largest first.
    """
    panel = (
        table.Panel()
        .title(title)
        .description(description)
        .unit("none")
        .datasource(SOURCE)
        .height(height)
        .span(WHOLE_WIDTH)
        .show_header(True)
        .thresholds(_thresholds(GOOD))
        .targets(
            [
                _target(Query(column.expr, ""), place).instant().format(PromQueryFormat.TABLE)
                for place, column in enumerate(columns)
            ]
        )
        .with_transformation(dashboard.DataTransformerConfig(id_val="merge", options={}))
        .with_transformation(dashboard.DataTransformerConfig(id_val="organize", options=_organized(labels, columns)))
    )
    for column in columns:
        if column.title:
            panel.override_by_name(column.title, _column_look(column))
    for label, look in _LABEL_LOOKS.items():
        if label in labels:
            panel.override_by_name(labels[label], look)
    if newest:
        panel.sort_by([common_builders.TableSortByFieldState().display_name(newest).desc(True)])
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
    if board.reports:
        made.with_variable(builders.TextBoxVariable("reports").label("Buckets at").default_value(REPORTS))
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


def _column_look(column: Column) -> list[dashboard.DynamicConfigValue]:
    look = [dashboard.DynamicConfigValue("unit", column.unit)]
    if column.thresholds:
        steps = [{"value": value, "color": colour} for value, colour in column.thresholds]
        look.append(dashboard.DynamicConfigValue("thresholds", {"mode": "absolute", "steps": steps}))
        look.append(dashboard.DynamicConfigValue("custom.cellOptions", {"type": "color-text"}))
    return look


def _links(title: str, url: str) -> dashboard.DynamicConfigValue:
    return dashboard.DynamicConfigValue("links", [{"title": title, "url": url, "targetBlank": False}])


def _phase_colours() -> dashboard.DynamicConfigValue:
    options = {phase: {"color": colour, "index": place} for place, (phase, colour) in enumerate(_PHASES.items())}
    return dashboard.DynamicConfigValue("mappings", [{"type": "value", "options": options}])


_RUN_OF_ROW: Final = (
    "/d/tintype-run?var-namespace=${__data.fields.namespace}&var-modelversion=${__value.raw}"
    "&var-datasource=${datasource}&${__url_time_range}"
)
_PHASES: Final = {
    "Succeeded": "green",
    "Stopped": "green",
    "Failed": "red",
    "Preparing": "blue",
    "Training": "blue",
    "Evaluating": "blue",
    "Publishing": "blue",
    "Pending": "orange",
    "Queued": "orange",
    "Suspended": "orange",
}
_OPEN: Final = {"type": "regex", "options": {"pattern": ".+", "result": {"text": "open", "index": 0}}}
_LABEL_LOOKS: Final = {
    "modelversion": [_links("Open the run", _RUN_OF_ROW)],
    "phase": [_phase_colours(), dashboard.DynamicConfigValue("custom.cellOptions", {"type": "color-text"})],
    "report": [
        _links("Open the report", "${reports:raw}/${__value.raw}"),
        dashboard.DynamicConfigValue("mappings", [_OPEN]),
    ],
}
"""How columns of labels are shown."""


def _organized(labels: Mapping[str, str], columns: Sequence[Column]) -> dict[str, Any]:
    """Return how the merged table is laid out: labels, then the queries' values by the columns' titles, no times."""
    names = {f"Value #{chr(ord('A') + place)}": column.title for place, column in enumerate(columns)}
    hidden = ["Time", *(name for name, title in names.items() if not title)]
    return {
        "excludeByName": dict.fromkeys(hidden, True),
        "indexByName": {name: place for place, name in enumerate([*labels, *names])},
        "renameByName": {**labels, **{name: title for name, title in names.items() if title}},
    }
