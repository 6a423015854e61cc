"""Tables as Grafana makes them of several queries: frames, merged, and organized."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from dashboards.pictures.asking import Series

Cell = float | str | None


@dataclass(frozen=True)
class Table:
    """Columns by their names, and rows with a cell for each."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def table(panel: Mapping[str, Any], answer: Sequence[Series]) -> Table:
    """Return what a table panel shows: its answer after its transformations, sorted as its options say.

    Raises:
        ValueError: a transformation is not known here.
    """
    several = len(panel["targets"]) > 1
    frames = [
        _frame([one for one in answer if one.query == target["refId"]], f"Value #{target['refId']}")
        if several
        else _frame(answer, "Value")
        for target in panel["targets"]
    ]
    frames = [frame for frame in frames if frame.rows]
    found = frames[0] if frames else Table((), ())
    for transformation in panel["transformations"]:
        match transformation["id"]:
            case "merge":
                found = _merged(frames)
            case "organize":
                found = _organized(found, transformation["options"])
            case other:
                raise ValueError(f"the transformation {other!r} is not known: add it, as Grafana does it")
    return _sorted(found, (panel.get("options") or {}).get("sortBy") or [])


def _frame(answer: Sequence[Series], value: str) -> Table:
    labels = sorted({name for one in answer for name in one.labels})
    rows = [
        (one.points[0][0] * 1000, *(one.labels.get(name) for name in labels), one.points[0][1])
        for one in answer
        if one.points
    ]
    return Table(("Time", *labels, value), rows)


def _merged(frames: Sequence[Table]) -> Table:
    """Join rows that agree in the columns that all frames have, where none of their others is taken."""
    columns = list(dict.fromkeys(name for frame in frames for name in frame.columns))
    common = [name for name in columns if all(name in frame.columns for frame in frames)]
    rows: list[dict[str, Cell]] = []
    for frame in frames:
        for cells in frame.rows:
            row = dict(zip(frame.columns, cells, strict=True))
            fits = (
                one
                for one in rows
                if all(one[name] == row[name] for name in common)
                and not any(name in one for name in row if name not in common)
            )
            found = next(fits, None)
            if found is None:
                rows.append(row)
            else:
                found.update(row)
    return Table(columns, [[row.get(name) for name in columns] for row in rows])


def _organized(found: Table, options: Mapping[str, Any]) -> Table:
    hidden, order = options.get("excludeByName", {}), options.get("indexByName", {})
    kept = [name for name in found.columns if not hidden.get(name)]
    kept.sort(key=lambda name: order.get(name, len(found.columns)))
    places = [list(found.columns).index(name) for name in kept]
    named = [options.get("renameByName", {}).get(name, name) for name in kept]
    return Table(named, [[row[place] for place in places] for row in found.rows])


def _sorted(found: Table, keys: Sequence[Mapping[str, Any]]) -> Table:
    rows = list(found.rows)
    for key in reversed(keys):
        if key["displayName"] in found.columns:
            place = list(found.columns).index(key["displayName"])
            rows.sort(key=partial(_rank, place), reverse=key["desc"])
    return replace(found, rows=rows)


def _rank(place: int, row: Sequence[Cell]) -> tuple[bool, bool, float, str]:
    """Return what a row is sorted by: nothing, then numbers, then texts."""
    cell = row[place]
    return cell is not None, isinstance(cell, str), cell if isinstance(cell, float) else 0, str(cell)
