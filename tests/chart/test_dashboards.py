"""The dashboards: as they were generated, and what they all have; tests of the linter's rules stand beside."""

import json
import re
from typing import Any

import pytest
from dashboards.parts import TAG
from dashboards.writing import files
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from support.dashboards import FOLDER, boards, expressions, panels

BUILT_IN = {"__value.raw", "__url_time_range"}
"""Variables of a link that Grafana itself fills: the value that is clicked, and from and to."""
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
    written = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
    assert written == files(), "write them anew with `make generate`"


@pytest.mark.parametrize("board", [pytest.param(board, id=name) for name, board in boards().items()])
def test_a_dashboard(board: dict[str, Any]) -> None:
    for variable in board["templating"]["list"]:
        assert variable["label"]
        if variable["type"] == "query":
            assert variable["datasource"]["uid"] == "${datasource}"
            assert variable["multi"]
            assert variable["includeAll"]
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
    assert panel["description"].endswith(".")
    assert panel["datasource"]["type"] == "prometheus"
    assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert panel["options"]
    refs = [target["refId"] for target in panel["targets"]]
    assert len(set(refs)) == len(refs)
    assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])
    assert all(target.get("legendFormat") or target.get("format") == "table" for target in panel["targets"])
    namespaced = any(one["name"] == "namespace" for one in board["templating"]["list"])
    for expr in expressions(panel):
        assert "$namespace" in expr or not namespaced, expr


@pytest.mark.parametrize(("board", "panel"), NAMED)
def test_links_lead_somewhere_and_name_what_is_there(board: dict[str, Any], panel: dict[str, Any]) -> None:
    targets = {one["uid"]: _variables(one) for one in boards().values()}
    columns = {name for one in panel.get("transformations", []) for name in one["options"].get("renameByName", {})}
    for link in _links(panel):
        for used in re.findall(r"\$\{([^}]+)\}", link):
            field = used.removeprefix("__data.fields.")
            name = used.removesuffix(":raw")
            assert used in BUILT_IN or name in _variables(board) or (field != used and field in columns), link
        if led := re.match(r"/d/([^?]+)\?(.+)", link):
            passed = re.findall(r"(?:^|&)var-([^=]+)=", led[2])
            assert set(passed) <= targets[led[1]], link
        else:
            assert link.startswith("${reports:raw}/")
        assert "$" not in re.sub(r"\$\{[^}]+\}", "", link)


def _variables(board: dict[str, Any]) -> set[str]:
    return {one["name"] for one in board["templating"]["list"]}


def _links(panel: dict[str, Any]) -> list[str]:
    looks = [look for one in panel["fieldConfig"].get("overrides", []) for look in one["properties"]]
    found = [link for look in looks if look["id"] == "links" for link in look["value"]]
    found += [*panel.get("links", []), *panel["fieldConfig"]["defaults"].get("links", [])]
    return [link["url"] for link in found]


def test_versions_lead_to_their_run_and_their_report() -> None:
    (panel,) = [one for one in panels(boards()["library"]) if (one["title"], one["type"]) == ("Versions", "table")]
    looks = {one["matcher"]["options"]: one["properties"] for one in panel["fieldConfig"]["overrides"]}
    links = {name: one["value"][0]["url"] for name, look in looks.items() for one in look if one["id"] == "links"}
    assert links["Version"].startswith("/d/tintype-run?var-namespace=${__data.fields.namespace}")
    assert links["Report"] == "${reports:raw}/${__value.raw}"
