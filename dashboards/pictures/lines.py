"""A time series panel as SVG: axes, thresholds, lines or stacked areas."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from dashboards.pictures.asking import Series, Span
from dashboards.pictures.colours import GRID, TEXT_WEAK, colour_of, palette
from dashboards.pictures.units import formatted
from tintype_trainer.library.markup import Markup, tag

_LEFT: Final = 74
_BOTTOM: Final = 22
_TOP: Final = 6
_TRAILING: Final = re.compile(r"(\.\d*?[1-9])0+(?=\D|$)|\.0+(?=\D|$)")
"""Zeros that say nothing on an axis."""
_TIME_STEPS_S: Final = (5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)


@dataclass(frozen=True)
class _Scale:
    """Where times and values are, in pixels."""

    span: Span
    low: float
    high: float
    width: float
    height: float

    def x(self, time: float) -> float:
        share = (time - self.span.began) / (self.span.ended - self.span.began)
        return _LEFT + share * (self.width - _LEFT - 8)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.height - _BOTTOM - share * (self.height - _BOTTOM - _TOP)


def lines(panel: Mapping[str, Any], answer: Sequence[Series], span: Span, width: float, height: float) -> Markup:
    """Return the lines of an answer, over axes."""
    defaults = panel["fieldConfig"]["defaults"]
    custom = defaults.get("custom") or {}
    stacked = (custom.get("stacking") or {}).get("mode") == "normal"
    drawn = _stacked(answer) if stacked else [list(one.points) for one in answer]
    low, high = _range(drawn, defaults, from_zero=stacked)
    scale = _Scale(span, low, high, width, height)
    children = [*_values(scale, defaults["unit"]), *_times(scale)]
    if (custom.get("thresholdsStyle") or {}).get("mode", "off") != "off":
        children += _thresholds(scale, defaults["thresholds"]["steps"])
    floor = scale.y(max(scale.low, 0))
    opacity = custom.get("fillOpacity", 0) / 100
    for number in reversed(range(len(answer))):
        for part in _parts(drawn[number], answer[number].step_s):
            children += _drawn([(scale.x(time), scale.y(value)) for time, value in part], number, floor, opacity)
    return tag("svg", children, width=f"{width:.0f}", height=f"{height:.0f}")


def _stacked(answer: Sequence[Series]) -> list[list[tuple[float, float]]]:
    """Return the points of each series on top of those before it."""
    below: dict[float, float] = {}
    found = []
    for one in answer:
        points = [(time, below.get(time, 0) + value) for time, value in one.points]
        below.update(points)
        found.append(points)
    return found


def _range(
    drawn: Sequence[Sequence[tuple[float, float]]], defaults: Mapping[str, Any], *, from_zero: bool
) -> tuple[float, float]:
    """Return the ends of the axis of values: around them in round numbers, or where the panel says."""
    values = [value for points in drawn for _, value in points]
    low, high = min(values), max(values)
    if low == high:
        low, high = min(0.0, 2 * low), max(2 * high, 0.0 if low else 1.0)
    elif low >= 0 and (from_zero or low < 0.3 * high):
        low = 0.0
    step = _step(high - low)
    low, high = math.floor(low / step) * step, math.ceil(high / step - 1e-9) * step
    return float(defaults.get("min", low)), float(defaults.get("max", high))


def _step(length: float) -> float:
    """Return a round number that divides a length into four to eight."""
    power = 10.0 ** math.floor(math.log10(length / 4))
    return max(power * factor for factor in (1, 2, 2.5, 5) if power * factor <= length / 3.5)


def _values(scale: _Scale, unit: str) -> list[Markup]:
    step = _step(scale.high - scale.low)
    found = []
    for number in range(round((scale.high - scale.low) / step) + 1):
        value = scale.low + number * step
        y = f"{scale.y(value):.1f}"
        found.append(tag("line", x1=str(_LEFT), x2=f"{scale.width - 8:.0f}", y1=y, y2=y, stroke=GRID))
        text = _TRAILING.sub(r"\1", formatted(round(value, 12), unit))
        found.append(tag("text", text, x=str(_LEFT - 8), y=y, dy="4", text_anchor="end", fill=TEXT_WEAK))
    return found


def _times(scale: _Scale) -> list[Markup]:
    span = scale.span
    step = next(step for step in _TIME_STEPS_S if (span.ended - span.began) / step <= (scale.width - _LEFT) / 80)
    found = []
    time = math.ceil(span.began / step) * step
    while time <= span.ended:
        x = f"{scale.x(time):.1f}"
        found.append(tag("line", x1=x, x2=x, y1=str(_TOP), y2=f"{scale.height - _BOTTOM:.0f}", stroke=GRID))
        text = datetime.fromtimestamp(time).strftime("%H:%M:%S" if step < 60 else "%H:%M")
        found.append(tag("text", text, x=x, y=f"{scale.height - 5:.0f}", text_anchor="middle", fill=TEXT_WEAK))
        time += step
    return found


def _thresholds(scale: _Scale, steps: Sequence[Mapping[str, Any]]) -> list[Markup]:
    found = []
    for step in steps:
        if step["value"] is not None and scale.low <= step["value"] <= scale.high:
            y = f"{scale.y(step['value']):.1f}"
            ends = {"x1": str(_LEFT), "x2": f"{scale.width - 8:.0f}", "y1": y, "y2": y}
            found.append(
                tag("line", **ends, stroke=colour_of(step["color"]), stroke_dasharray="8 6", stroke_width="1.5")
            )
    return found


def _parts(points: Sequence[tuple[float, float]], step_s: float) -> list[list[tuple[float, float]]]:
    """Return the pieces of a line between its gaps."""
    found: list[list[tuple[float, float]]] = []
    for point in points:
        if found and point[0] - found[-1][-1][0] <= 1.5 * step_s:
            found[-1].append(point)
        else:
            found.append([point])
    return found


def _drawn(points: Sequence[tuple[float, float]], number: int, floor: float, opacity: float) -> list[Markup]:
    colour = palette(number)
    if len(points) == 1:
        ((x, y),) = points
        return [tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="2.5", fill=colour)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    found = []
    if opacity:
        ends = f"{points[0][0]:.1f},{floor:.1f} {path} {points[-1][0]:.1f},{floor:.1f}"
        found.append(tag("polygon", points=ends, fill=colour, fill_opacity=f"{opacity:.2f}"))
    return [
        *found,
        tag("polyline", points=path, fill="none", stroke=colour, stroke_width="1.5", stroke_linejoin="round"),
    ]
