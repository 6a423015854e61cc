"""Every rule of Grafana's dashboard-linter is kept, or excluded with a reason in `.lint`."""

import json
from typing import Any

import pytest

from support.dashboards import boards
from support.linting import Violation, exclusions, rules, violations


@pytest.mark.parametrize("board", [pytest.param(board, id=name) for name, board in boards().items()])
def test_a_dashboard_keeps_the_rules(board: dict[str, Any]) -> None:
    excluded = list(exclusions())
    assert [one for one in violations(board) if not any(exclusion.covers(one) for exclusion in excluded)] == []


@pytest.mark.parametrize("exclusion", list(exclusions()), ids=lambda one: f"{one.rule} {one.dashboard} {one.panel}")
def test_an_exclusion_has_a_reason_and_is_needed(exclusion: Any) -> None:  # noqa: ANN401
    assert exclusion.rule in rules()
    assert exclusion.reason.endswith(".")
    assert any(exclusion.covers(one) for board in boards().values() for one in violations(board))


BREACHES = {
    "template-datasource-rule": ('"label": "Data source"', '"label": "Source"'),
    "template-label-promql-rule": ("label_values(tintype_version_info, namespace)", "namespaces"),
    "template-on-time-change-reload-rule": ('"refresh": 2', '"refresh": 1'),
    "uneditable-dashboard": ('"editable": false', '"editable": true'),
    "panel-datasource-rule": ('"uid": "${datasource}"', '"uid": "PBFA97CFB590B2093"'),
    "panel-title-description-rule": ('"description": "Of the latest step."', '"description": ""'),
    "panel-units-rule": ('"unit": "sci"', '"unit": ""'),
    "target-rate-interval-rule": ("[$__rate_interval]", "[5m]"),
    "target-counter-agg-rule": ("rate(tintype_trained_examples_total", "sum_over_time(tintype_trained_examples_total"),
}


@pytest.mark.parametrize("rule", BREACHES)
def test_a_breach_is_found(rule: str) -> None:
    right, wrong = BREACHES[rule]
    text = json.dumps(boards()["run"])
    assert right in text
    broken = set(violations(json.loads(text.replace(right, wrong)))) - set(violations(boards()["run"]))
    assert {one.rule for one in broken} == {rule}


def test_a_panel_without_queries_is_found() -> None:
    board = boards()["operator"]
    panel = next(one for one in board["panels"] if one["type"] != "row")
    panel["targets"] = []
    assert Violation("panel-no-targets-rule", board["title"], panel["title"]) in violations(board)
