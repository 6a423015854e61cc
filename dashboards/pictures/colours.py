"""Grafana's colours on dark ground, by their names and in the order of its palette."""

from typing import Final

PAGE: Final = "#111217"
PANEL: Final = "#181b1f"
GRID: Final = "#2a2c33"
TEXT: Final = "#d5d6dc"
TEXT_WEAK: Final = "#9a9ba6"
LINK: Final = "#6e9fff"
_NAMED: Final = {
    "green": "#73bf69",
    "yellow": "#fade2a",
    "orange": "#ff9830",
    "red": "#f2495c",
    "blue": "#5794f2",
    "purple": "#b877d9",
    "text": TEXT,
}
_PALETTE: Final = (
    "#73bf69",
    "#f2cc0c",
    "#8ab8ff",
    "#ff780a",
    "#f2495c",
    "#5794f2",
    "#b877d9",
    "#705da0",
    "#37872d",
    "#fade2a",
    "#447ebc",
    "#c15c17",
)


def colour_of(name: str) -> str:
    """Return a colour by Grafana's name of it."""
    return _NAMED[name]


def palette(number: int) -> str:
    """Return the colour of a series by its place."""
    return _PALETTE[number % len(_PALETTE)]
