"""The dashboards: as they were generated, and by the rules of Grafana's dashboard-linter."""

import json
import re
from typing import Any

import pytest
from dashboards.parts import TAG
from dashboards.writing import files
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from support.dashboards import FOLDER, boards, expressions, panels

GRAFANAS = {"none", "short", "percentunit", "s", "bytes", "Bps", "ops", "reqps", "sci", "dateTimeAsLocal"}
UNITS = GRAFANAS | {"suffix: GPU-h", "suffix: pp"}
RATES = re.compile(r"\b(?:rate|irate|increase)\(")
COUNTER = re.compile(r"tintype_\w+_total\b")
GAUGE_LIKE = ("tintype_version_", "tintype_checkpoint", "tintype_image_cache_", "tintype_operator_notifications")
"""Counters that are shown as they are: what they count is rare, or survives the Pod in status."""


NAMED = [
    pytest.param(board, panel, id=f"{name}: {panel['title']}")
    for name, board in boards().items()
    for panel in panels(board)
]


@pytest.mark.parametrize("board", [pytest.param(board, id=name) for name, board in boards().items()])
def test_a_dashboard_is_of_the_types_of_the_sdk(board: dict[str, Any]) -> None:
    read = dashboard.Dashboard.from_json(board)
    assert json.loads(json.dumps(read, cls=JSONEncoder)) == board


def test_the_files_are_as_generated() -> None:
    written = {path.name: path.read_text() for path in FOLDER.iterdir()}
    assert written == files(), "write them anew with `make generate`"


@pytest.mark.parametrize("board", [pytest.param(board, id=name) for name, board in boards().items()])
def test_a_dashboard(board: dict[str, Any]) -> None:
    variables = {one["name"]: one for one in board["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["query"] == "prometheus"
    for name, variable in variables.items():
        assert variable["label"], name
        if variable["type"] == "query":
            assert variable["datasource"]["uid"] == "${datasource}"
            assert variable["refresh"] == 2, "loaded anew with the time range"
            assert variable["multi"]
            assert variable["includeAll"]
    assert not board["editable"]
    assert board["uid"].startswith("tintype-")
    assert board["title"].startswith("tintype / ")
    assert board["description"]
    assert board["tags"] == [TAG]
    (link,) = board["links"]
    assert (link["type"], link["tags"], link["includeVars"], link["keepTime"]) == ("dashboards", [TAG], True, True)
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(("board", "panel"), NAMED)
def test_a_panel(board: dict[str, Any], panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert panel["options"]
    assert panel["targets"]
    refs = [target["refId"] for target in panel["targets"]]
    assert len(set(refs)) == len(refs)
    assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])
    assert all(target.get("legendFormat") or target.get("format") == "table" for target in panel["targets"])
    namespaced = any(one["name"] == "namespace" for one in board["templating"]["list"])
    for expr in expressions(panel):
        assert "$namespace" in expr or not namespaced, expr
        for found in RATES.finditer(expr):
            assert "[$__rate_interval]" in expr[found.start() :], expr
        if not RATES.search(expr):
            assert all(name.startswith(GAUGE_LIKE) for name in COUNTER.findall(expr)), f"{expr}: a counter without rate"


def test_links_lead_to_dashboards_that_are_there() -> None:
    uids = {board["uid"] for board in boards().values()}
    for path in FOLDER.iterdir():
        assert set(re.findall(r"/d/([a-z-]+)\?", path.read_text())) <= uids


def test_versions_lead_to_their_run_and_their_report() -> None:
    (panel,) = [one for one in panels(boards()["library"]) if (one["title"], one["type"]) == ("Versions", "table")]
    looks = {one["matcher"]["options"]: one["properties"] for one in panel["fieldConfig"]["overrides"]}
    links = {name: one["value"][0]["url"] for name, look in looks.items() for one in look if one["id"] == "links"}
    assert links["Version"].startswith("/d/tintype-run?var-namespace=${__data.fields.namespace}")
    assert links["Report"] == "${reports:raw}/${__value.raw}"
