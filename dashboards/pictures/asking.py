"""What Grafana asks Prometheus for a panel, and what comes back."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Ask = Callable[..., Any]
"""Asks the HTTP API of Prometheus: a path below /api/v1, and the query's parameters; the answer's data come back."""
Chosen = Mapping[str, Sequence[str]]
"""Values by the names of variables."""
_LABEL_VALUES: Final = re.compile(r"label_values\((?P<series>.*), *(?P<label>\w+)\)")
_STEPS_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)


@dataclass(frozen=True)
class Span:
    """The time that is shown.

    Attributes:
        began: Unix time.
        ended: Unix time, which is now to instant queries.
        scrape_s: The data source's scrape interval.
    """

    began: float
    ended: float
    scrape_s: int


@dataclass(frozen=True)
class Series:
    """One series of an answer.

    Attributes:
        labels: Of the series, with its name where the query has kept it.
        name: As the legend calls it.
        points: Unix time and value, by time; numbers that are none left out.
        step_s: How far apart points are where none is missing.
        query: The refId of the target.
    """

    labels: Mapping[str, str]
    name: str
    points: Sequence[tuple[float, float]]
    step_s: float
    query: str


def variables(board: Mapping[str, Any], chosen: Chosen, ask: Ask) -> dict[str, list[str]]:
    """Return the values of a dashboard's variables: those that are chosen, else all that their queries find.

    Raises:
        ValueError: what is chosen is not among what the query finds.
    """
    found: dict[str, list[str]] = {}
    for variable in board["templating"]["list"]:
        name = variable["name"]
        if variable["type"] != "query":
            continue
        query = _LABEL_VALUES.fullmatch(_interpolated(variable["query"], found))
        if query is None:
            raise ValueError(f"the query of the variable {name} is no label_values(): {variable['query']}")
        values = sorted(ask(f"label/{query['label']}/values", **{"match[]": query["series"]}))
        wanted = list(chosen.get(name, values))
        if missing := set(wanted) - set(values):
            raise ValueError(f"the variable {name} has no value {', '.join(sorted(missing))}, only {', '.join(values)}")
        found[name] = wanted
    return found


def asked(panel: Mapping[str, Any], values: Chosen, span: Span, width: int, ask: Ask) -> list[Series]:
    """Return what Prometheus answers to all queries of a panel that is `width` pixels wide."""
    step = _step_s(span, width)
    rate = max(step + span.scrape_s, 4 * span.scrape_s)
    found = []
    for target in panel["targets"]:
        expr = _interpolated(target["expr"], values).replace("$__rate_interval", f"{rate}s")
        if target.get("instant"):
            answer = ask("query", query=expr, time=str(span.ended))
        else:
            answer = ask("query_range", query=expr, start=str(span.began), end=str(span.ended), step=str(step))
        for one in answer["result"]:
            points = [(float(time), float(value)) for time, value in one.get("values") or [one["value"]]]
            name = _legend(target.get("legendFormat", ""), one["metric"])
            shown = [(time, value) for time, value in points if math.isfinite(value)]
            found.append(Series(one["metric"], name, shown, step, target["refId"]))
    return found


def _step_s(span: Span, width: int) -> int:
    """Return the distance of points: one for a pixel, but none between two scrapes."""
    finest = max(span.scrape_s, (span.ended - span.began) / width)
    return next((step for step in _STEPS_S if step >= finest), _STEPS_S[-1])


def _interpolated(text: str, values: Chosen) -> str:
    """Return a query with the variables' values: one as it is, several as a regular expression."""
    for name, several in values.items():
        value = several[0] if len(several) == 1 else f"({'|'.join(several)})"
        text = text.replace(f"${name}", value)
    return text


def _legend(template: str, labels: Mapping[str, str]) -> str:
    if template:
        return re.sub(r"\{\{ *(\w+) *\}\}", lambda found: labels.get(found[1], ""), template).strip()
    inner = ", ".join(f'{name}="{value}"' for name, value in labels.items() if name != "__name__")
    return f"{labels.get('__name__', '')}{{{inner}}}"
