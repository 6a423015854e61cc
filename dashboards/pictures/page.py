"""A dashboard as one HTML page: the grid with its panels, each drawn from its JSON and its answer."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from dashboards.pictures.asking import Ask, Chosen, Series, Span, asked, variables
from dashboards.pictures.colours import GRID, LINK, PAGE, PANEL, TEXT, TEXT_WEAK, colour_of, palette
from dashboards.pictures.lines import lines
from dashboards.pictures.tables import Cell, table
from dashboards.pictures.units import formatted
from tintype_trainer.library.markup import Markup, tag

_COLUMNS: Final = 24
_UNIT, _GAP, _MARGIN = 30, 8, 16
_HEAD, _TITLE, _PADDING, _LEGEND_LINE = 92, 30, 10, 19
_LETTER: Final = 6.6
"""Mean width of a letter of the legend, in pixels."""
_STYLE: Final = f"""
body {{ margin: 0; background: {PAGE}; color: {TEXT}; font: 12px Inter, "DejaVu Sans Condensed", sans-serif }}
.head {{ padding: 14px {_MARGIN}px 0; height: {_HEAD - 14}px; box-sizing: border-box }}
h1 {{ font-size: 17px; font-weight: 500; margin: 0 0 10px }}
h1 span {{ float: right; font-size: 12px; color: {TEXT_WEAK} }}
.variable {{ display: inline-flex; margin-right: 10px; border: 1px solid {GRID}; border-radius: 3px;
  background: {PANEL} }}
.variable * {{ padding: 5px 9px }} .variable b {{ font-weight: 500; color: {LINK}; border-right: 1px solid {GRID} }}
.grid {{ position: relative }}
.row, .panel {{ position: absolute; box-sizing: border-box; overflow: hidden }}
.row {{ font-size: 15px; font-weight: 500; padding-top: 5px }} .row::before {{ content: "\\25be"; margin: 0 8px }}
.panel {{ background: {PANEL}; border: 1px solid {GRID}; border-radius: 3px }}
.panel h2 {{ font-size: 13px; font-weight: 500; margin: 0; padding: 7px 10px; height: {_TITLE}px;
  box-sizing: border-box }}
.panel svg {{ display: block; font-size: 11px }}
.nothing, .number {{ display: flex; align-items: center; justify-content: center; color: {TEXT_WEAK} }}
.number {{ font-size: 40px; font-weight: 500 }}
.legend {{ padding: 2px 10px }} .legend span {{ display: inline-block; line-height: {_LEGEND_LINE}px;
  margin-right: 14px }}
.legend i {{ display: inline-block; width: 14px; height: 4px; border-radius: 2px; margin-right: 5px;
  vertical-align: 2px }}
.legend em {{ font-style: normal; color: {TEXT_WEAK}; margin-left: 6px }}
table {{ width: 100%; border-collapse: collapse }}
th, td {{ text-align: left; padding: 7px 10px; border-bottom: 1px solid {GRID}; white-space: nowrap;
  font-weight: 400 }}
th {{ color: {LINK}; font-weight: 500 }} .right {{ text-align: right }} a {{ color: {LINK}; text-decoration: none }}
"""


def page(board: Mapping[str, Any], chosen: Chosen, span: Span, ask: Ask, width: int) -> str:
    """Return the page of a dashboard, `width` pixels wide."""
    values = variables(board, chosen, ask)
    grid = [_placed(panel, values, span, ask, width) for panel in board["panels"]]
    last = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
    body = tag("div", grid, class_="grid", style=f"height: {last * (_UNIT + _GAP) + _MARGIN}px")
    head = tag("div", tag("h1", board["title"], tag("span", _time(span))), _variables(board, chosen), class_="head")
    document = tag(
        "html", tag("head", tag("meta", charset="utf-8"), tag("style", Markup(_STYLE))), tag("body", head, body)
    )
    return f"<!doctype html>{document}"


def _time(span: Span) -> str:
    began, ended = (datetime.fromtimestamp(time).strftime("%Y-%m-%d %H:%M:%S") for time in (span.began, span.ended))
    return f"{began} to {ended}"


def _variables(board: Mapping[str, Any], chosen: Chosen) -> list[Markup]:
    texts = {
        variable["label"]: " + ".join(chosen.get(variable["name"], ["All"])) if variable["type"] == "query" else shown
        for variable in board["templating"]["list"]
        if (shown := "Prometheus" if variable["type"] == "datasource" else variable["query"]) is not None
    }
    return [tag("span", tag("b", label), tag("span", text), class_="variable") for label, text in texts.items()]


def _placed(panel: Mapping[str, Any], values: Chosen, span: Span, ask: Ask, width: int) -> Markup:
    """Return a panel in its place of the grid."""
    place, column = panel["gridPos"], (width - 2 * _MARGIN + _GAP) / _COLUMNS
    across, down = place["w"] * column - _GAP, place["h"] * (_UNIT + _GAP) - _GAP
    left, top = _MARGIN + place["x"] * column, place["y"] * (_UNIT + _GAP)
    style = f"left: {left:.1f}px; top: {top}px; width: {across:.1f}px; height: {down}px"
    if panel["type"] == "row":
        return tag("div", panel["title"], class_="row", style=style)
    answer = asked(panel, values, span, int(across), ask)
    inner = _inner(panel, answer, span, across - 2, down - _TITLE - 2)
    return tag("div", tag("h2", panel["title"]), inner, class_="panel", style=style)


def _inner(panel: Mapping[str, Any], answer: Sequence[Series], span: Span, across: float, down: float) -> list[Markup]:
    shown = [one for one in answer if one.points]
    match panel["type"]:
        case "stat":
            return [_number(panel, shown, down)]
        case _ if not shown:
            return [tag("div", "No data", class_="nothing", style=f"height: {down - 20}px")]
        case "timeseries":
            legend, height = _legend(panel, shown, across)
            return [lines(panel, shown, span, across - _PADDING, down - height), legend]
        case "table":
            return [_table(panel, shown)]
        case other:
            raise ValueError(f"the panel {panel['title']!r} is a {other}: draw it, as Grafana does")


def _number(panel: Mapping[str, Any], shown: Sequence[Series], down: float) -> Markup:
    defaults = panel["fieldConfig"]["defaults"]
    value = shown[0].points[-1][1] if shown else None
    text = defaults["noValue"] if value is None else formatted(value, defaults["unit"])
    colour = _threshold(value or 0, defaults["thresholds"]["steps"])
    return tag("div", text, class_="number", style=f"height: {down - 12}px; color: {colour}")


def _threshold(value: float, steps: Sequence[Mapping[str, Any]]) -> str:
    reached = [step for step in steps if step["value"] is None or value >= step["value"]]
    return colour_of(reached[-1]["color"])


def _legend(panel: Mapping[str, Any], shown: Sequence[Series], across: float) -> tuple[Markup, float]:
    """Return the legend, and how high it is."""
    unit = panel["fieldConfig"]["defaults"]["unit"]
    last = "lastNotNull" in ((panel.get("options") or {}).get("legend") or {}).get("calcs", [])
    names = [(one.name, formatted(one.points[-1][1], unit) if last else "") for one in shown]
    entries = [
        tag("span", tag("i", style=f"background: {palette(number)}"), name, tag("em", value) if value else None)
        for number, (name, value) in enumerate(names)
    ]
    taken = sum(len(name + value) * _LETTER + 46 for name, value in names)
    height = (int(taken / (across - 20)) + 1) * _LEGEND_LINE + 8
    return tag("div", entries, class_="legend"), height


def _table(panel: Mapping[str, Any], shown: Sequence[Series]) -> Markup:
    found = table(panel, shown)
    looks = [_look(panel, name) for name in found.columns]
    right = ["right" if _numeric([row[place] for row in found.rows]) else None for place in range(len(found.columns))]
    heads = [tag("th", name, class_=side) for name, side in zip(found.columns, right, strict=True)]
    rows = [tag("tr", [_cell(*one) for one in zip(row, looks, right, strict=True)]) for row in found.rows]
    return tag("table", tag("tr", heads), rows)


def _numeric(cells: Sequence[Cell]) -> bool:
    return any(isinstance(cell, float) for cell in cells)


def _look(panel: Mapping[str, Any], column: str) -> dict[str, Any]:
    """Return how a column is shown: the defaults, and the overrides of its name."""
    found = dict(panel["fieldConfig"]["defaults"])
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"] == {"id": "byName", "options": column}:
            found |= {one["id"]: one["value"] for one in override["properties"]}
    return found


def _cell(cell: Cell, look: Mapping[str, Any], side: str | None) -> Markup:
    text = formatted(cell, look["unit"]) if isinstance(cell, float) else cell or ""
    colour, text = _mapped(cell, text, look)
    shown = tag("a", text) if "links" in look and text else text
    return tag("td", shown, class_=side, style=f"color: {colour}" if colour else None)


def _mapped(cell: Cell, text: str, look: Mapping[str, Any]) -> tuple[str | None, str]:
    """Return the colour and the text of a cell after its value mappings and thresholds."""
    for mapping in look.get("mappings", []):
        if mapping["type"] == "value" and (found := mapping["options"].get(cell)):
            return colour_of(found["color"]) if "color" in found else None, found.get("text", text)
        if mapping["type"] == "regex" and isinstance(cell, str) and cell:
            return None, mapping["options"]["result"]["text"]
    if look.get("custom.cellOptions", {}).get("type") == "color-text" and isinstance(cell, float):
        return _threshold(cell, look["thresholds"]["steps"]), text
    return None, text
