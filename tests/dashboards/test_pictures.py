"""How pictures of dashboards come about: units, queries, transformations, as Grafana has them."""

from typing import Any

import pytest
from dashboards.pictures.asking import Series, Span, asked, variables
from dashboards.pictures.page import page
from dashboards.pictures.tables import Table, table
from dashboards.pictures.units import formatted

SPAN = Span(1000, 1400, 15)
TARGET = {"expr": 'rate(x{namespace=~"$namespace"}[$__rate_interval])', "refId": "A", "legendFormat": "{{name}} read"}


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.9241, "none", "0.924"),
        (12345, "short", "12.3 K"),
        (0.9241, "percentunit", "92.4%"),
        (0.0005, "s", "500 µs"),
        (0.25, "s", "250 ms"),
        (5, "s", "5 s"),
        (90, "s", "1.50 mins"),
        (7200, "s", "2 hours"),
        (1536, "bytes", "1.50 KiB"),
        (54_600_000, "Bps", "54.6 MB/s"),
        (0.5, "reqps", "0.500 req/s"),
        (0.00032, "sci", "3.2e-4"),
        (1.5, "suffix: GPU-h", "1.50 GPU-h"),
    ],
)
def test_units(value: float, unit: str, text: str) -> None:
    assert formatted(value, unit) == text


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="furlong"):
        formatted(1, "furlong")


class Answers:
    """A Prometheus of one series, that keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []

    def __call__(self, path: str, **query: str) -> Any:  # noqa: ANN401 - as the HTTP API
        self.asked.append((path, query))
        if path == "label/namespace/values":
            return ["b", "a"]
        values = [[1000, "1"], [1015, "NaN"], [1030, "3"]]
        return {"result": [{"metric": {"name": "<one>"}, "values": values, "value": [1400, "3"]}]}


def test_a_query_is_asked_with_the_values_of_variables_and_the_interval() -> None:
    answers = Answers()
    (series,) = asked({"targets": [TARGET]}, {"namespace": ["a", "b"]}, SPAN, 600, answers)
    assert (series.name, series.points) == ("<one> read", [(1000, 1), (1030, 3)]), "what is no number is a gap"
    query = {"query": 'rate(x{namespace=~"(a|b)"}[60s])', "start": "1000", "end": "1400", "step": "15"}
    assert answers.asked == [("query_range", query)]


def test_an_instant_query_is_asked_of_the_end() -> None:
    answers = Answers()
    asked({"targets": [TARGET | {"instant": True}]}, {"namespace": ["a"]}, SPAN, 600, answers)
    assert answers.asked == [("query", {"query": 'rate(x{namespace=~"a"}[60s])', "time": "1400"})]


def test_variables_are_all_that_is_found_or_what_is_chosen() -> None:
    one = {"name": "namespace", "type": "query", "query": "label_values(info, namespace)"}
    board = {"templating": {"list": [one]}}
    assert variables(board, {}, Answers()) == {"namespace": ["a", "b"]}
    assert variables(board, {"namespace": ["b"]}, Answers()) == {"namespace": ["b"]}
    with pytest.raises(ValueError, match="namespace has no value c"):
        variables(board, {"namespace": ["c"]}, Answers())


def test_queries_of_a_table_meet_in_rows() -> None:
    organize = {
        "excludeByName": {"Time": True, "Value #A": True},
        "indexByName": {"version": 0, "phase": 1, "Value #B": 2},
        "renameByName": {"version": "Version", "phase": "Phase", "Value #B": "Epoch"},
    }
    panel = {
        "targets": [{"refId": "A"}, {"refId": "B"}],
        "transformations": [{"id": "merge", "options": {}}, {"id": "organize", "options": organize}],
        "options": {"sortBy": [{"displayName": "Epoch", "desc": True}]},
    }
    answer = [
        Series({"phase": "Pending", "version": "a"}, "", [(1, 1)], 1, "A"),
        Series({"phase": "Training", "version": "b"}, "", [(1, 1)], 1, "A"),
        Series({"version": "b"}, "", [(1, 7)], 1, "B"),
    ]
    assert table(panel, answer) == Table(["Version", "Phase", "Epoch"], [["b", "Training", 7], ["a", "Pending", None]])


def test_a_page_says_where_there_is_no_data_and_escapes_names() -> None:
    steps = [{"value": None, "color": "green"}]
    panel = {
        "type": "timeseries",
        "title": "Bytes",
        "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8},
        "fieldConfig": {"defaults": {"unit": "Bps", "thresholds": {"steps": steps}}, "overrides": []},
        "targets": [TARGET],
    }
    board = {"title": "Board", "templating": {"list": []}, "panels": [panel]}
    drawn = page(board, {}, SPAN, Answers(), 800)
    assert "&lt;one&gt; read" in drawn
    assert "3 B/s" in drawn
    assert "No data" in page(board, {}, SPAN, lambda _path, **_query: {"result": []}, 800)
