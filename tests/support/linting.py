"""The rules of Grafana's dashboard-linter, as far as the JSON shows them, and the exclusions in `.lint`.

The linter's own modules are not to be had everywhere. Each rule has the linter's name, so that `.lint` is the file that
the linter itself reads.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from support.dashboards import FOLDER, expressions, panels

Board = Mapping[str, Any]
Panel = Mapping[str, Any]

SELECTOR = re.compile(r"\btintype_\w+(?:\{[^}]*\})?")
RANGE = re.compile(r"\[([^\]]+)\]")
COUNTER = re.compile(r"(\w+\()?\btintype_\w+_total\b(?:\{[^}]*\})?(\[)?")
LABELS = re.compile(r"(?:label_names|label_values|metrics|query_result)\(.+\)")
UNITS = {"none", "short", "percentunit", "s", "bytes", "Bps", "ops", "reqps", "sci", "dateTimeAsLocal"}
"""Those of Grafana's own units that are used."""
QUERIES = {
    "target-promql-rule": "tests/integration/test_monitoring.py asks a real Prometheus each query",
    "target-logql-rule": "no query is of Loki",
    "target-logql-auto-rule": "no query is of Loki",
}
"""Rules that are no question of the JSON, and what holds them."""


@dataclass(frozen=True)
class Violation:
    """What a rule says against a dashboard, one of its panels, or one query of it."""

    rule: str
    dashboard: str
    panel: str = ""
    target: str = ""


def violations(board: Board) -> list[Violation]:
    """Return what the rules say against a dashboard."""
    found = [Violation(rule, board["title"]) for rule, is_kept in _OF_BOARDS.items() if not is_kept(board)]
    for panel in panels(dict(board)):
        place = (board["title"], panel["title"])
        found += [Violation(rule, *place) for rule, is_kept in _OF_PANELS.items() if not is_kept(panel)]
        for number, expr in enumerate(expressions(panel)):
            found += [
                Violation(rule, *place, str(number)) for rule, is_kept in _OF_QUERIES.items() if not is_kept(expr)
            ]
    return found


def rules() -> set[str]:
    """Return the names of all rules."""
    return {*_OF_BOARDS, *_OF_PANELS, *_OF_QUERIES, *QUERIES}


@dataclass(frozen=True)
class Exclusion:
    """A rule that need not be kept somewhere, or anywhere, and why."""

    rule: str
    reason: str
    dashboard: str = ""
    panel: str = ""
    target: str = ""

    def covers(self, violation: Violation) -> bool:
        """Return whether it is of this violation; what it leaves empty may be anything."""
        return self.rule == violation.rule and all(
            getattr(self, name) in ("", getattr(violation, name)) for name in ("dashboard", "panel", "target")
        )


def exclusions() -> Iterator[Exclusion]:
    """Yield the exclusions of `.lint`, which lies beside the dashboards."""
    for rule, found in yaml.safe_load((FOLDER / ".lint").read_text())["exclusions"].items():
        for entry in found.get("entries") or [{}]:
            reason = entry.get("reason") or found.get("reason", "")
            yield Exclusion(
                rule, reason, entry.get("dashboard", ""), entry.get("panel", ""), entry.get("targetIdx", "")
            )


def _variables(board: Board, kind: str) -> list[Mapping[str, Any]]:
    return [one for one in board["templating"]["list"] if one["type"] == kind]


def _has_source(board: Board) -> bool:
    sources = _variables(board, "datasource")
    return [(one["name"], one["label"], one["query"]) for one in sources] == [
        ("datasource", "Data source", "prometheus")
    ]


def _chooses(name: str) -> Callable[[Board], bool]:
    def is_kept(board: Board) -> bool:
        found = [one for one in _variables(board, "query") if one["name"] == name]
        return any(one["multi"] and one.get("allValue") == ".+" for one in found)

    return is_kept


def _matches(name: str) -> Callable[[str], bool]:
    return lambda expr: all(f'{name}=~"${name}"' in selector for selector in SELECTOR.findall(expr))


def _units(panel: Panel) -> set[str]:
    looks = [look for one in panel["fieldConfig"].get("overrides", []) for look in one["properties"]]
    return {panel["fieldConfig"]["defaults"].get("unit", ""), *(one["value"] for one in looks if one["id"] == "unit")}


def _is_rated(expr: str) -> bool:
    return all(call in ("rate(", "irate(", "increase(") and ranged for call, ranged in COUNTER.findall(expr))


_OF_BOARDS: Mapping[str, Callable[[Board], bool]] = {
    "template-datasource-rule": _has_source,
    "template-job-rule": _chooses("job"),
    "template-instance-rule": _chooses("instance"),
    "template-label-promql-rule": lambda board: all(
        LABELS.fullmatch(one["query"]) for one in _variables(board, "query")
    ),
    "template-on-time-change-reload-rule": lambda board: all(one["refresh"] == 2 for one in _variables(board, "query")),
    "uneditable-dashboard": lambda board: not board["editable"],
}
_OF_PANELS: Mapping[str, Callable[[Panel], bool]] = {
    "panel-datasource-rule": lambda panel: panel["datasource"]["uid"] == "${datasource}",
    "panel-title-description-rule": lambda panel: bool(panel["title"] and panel["description"]),
    "panel-units-rule": lambda panel: _units(panel) <= UNITS,
    "panel-no-targets-rule": lambda panel: bool(panel["targets"]),
}
_OF_QUERIES: Mapping[str, Callable[[str], bool]] = {
    "target-rate-interval-rule": lambda expr: set(RANGE.findall(expr)) <= {"$__rate_interval"},
    "target-job-rule": _matches("job"),
    "target-instance-rule": _matches("instance"),
    "target-counter-agg-rule": _is_rated,
}
