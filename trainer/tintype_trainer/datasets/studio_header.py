"""The first line of Studio JSON lines: its views, and the way down to the one that the spec names. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tintype_api.errors import UserError, data_error, invalid_spec
from tintype_api.spec.view import View, ViewType
from tintype_trainer.datasets.dataset import Split
from tintype_trainer.datasets.studio_fields import LineError, list_of, objects_of, quoted, text_of, texts_of
from tintype_trainer.datasets.views import Conditions, Level, ViewPath, same_conditions, spec_conditions

SPLITS: Final[Mapping[str, Split]] = {
    "train": Split.TRAIN,
    "val": Split.VALIDATION,
    "validation": Split.VALIDATION,
    "test": Split.TEST,
}


@dataclass(frozen=True, slots=True)
class Header:
    """What the header says.

    Attributes:
        path: The views from the topmost down to the one that the spec names.
        concepts: The concepts of all views.
    """

    path: ViewPath
    concepts: frozenset[str]


@dataclass(frozen=True, slots=True)
class _HeaderView:
    name: str
    type: str
    concepts: frozenset[str]
    conditions: Conditions
    parent: str | None


def read_header(document: dict[str, Any], view: View, concepts: Sequence[str], uri: str) -> Header:
    """Return what the header says of the spec's view.

    Raises:
        LineError: the line is no header.
        UserError: exit 65 where it has not the view or a concept; 64 where the spec contradicts it, and for Detection
            below Detection.
    """
    views = {each.name: each for each in _views(document)}
    if not views and {"images", "annotations"} <= document.keys():
        raise LineError("is COCO json, whose files end in .json; rename it")
    if not views:
        raise LineError('is no header: it has no "views"; the first line must list them')
    unknown = [name for name in texts_of(document, "splits") if name not in SPLITS]
    if unknown:
        raise LineError(f"has the split {quoted(unknown[0])}; splits are {', '.join(SPLITS)}")
    if view.name not in views:
        raise data_error(f"view.name: {uri} has no view {quoted(view.name)}; it has {', '.join(map(quoted, views))}")
    _check_view(views, view, uri)
    path = _path(views, view, uri)
    for concept in concepts:
        if concept not in path.view.concepts:
            raise _no_concept(concept, view, path.view.concepts, uri)
    return Header(path, frozenset().union(*(each.concepts for each in views.values())))


def _views(document: dict[str, Any]) -> Iterator[_HeaderView]:
    names: set[str] = set()
    for each in _nested(objects_of(document, "views"), None):
        if each.name in names:
            raise LineError(f"has two views {quoted(each.name)}; rename one")
        names.add(each.name)
        yield each


def _nested(entries: Sequence[dict[str, Any]], above: str | None) -> Iterator[_HeaderView]:
    for entry in entries:
        name = text_of(entry, "name", "views")
        parent = text_of(entry, "parent", "views") if entry.get("parent") is not None else above
        if above is not None and parent != above:
            raise LineError(f"has the view {quoted(name)} among the children of another than its parent; keep one")
        concepts = frozenset(texts_of(entry, "concepts"))
        yield _HeaderView(name, text_of(entry, "type", "views"), concepts, _conditions(entry), parent)
        yield from _nested(objects_of(entry, "children"), name)


def _conditions(entry: dict[str, Any]) -> Conditions:
    conditions = list_of(entry, "conditions") if entry.get("conditions") is not None else []
    return tuple(tuple(_condition(each) for each in _every(every)) for every in conditions)


def _every(every: object) -> list[Any]:
    if not isinstance(every, list) or not every:
        raise LineError('must have lists of conditions in "conditions": the outer list is OR, the inner ones are AND')
    return every


def _condition(entry: object) -> tuple[str, bool]:
    if not isinstance(entry, dict):
        raise LineError('must have objects with "concept" and "holds" in "conditions"')
    holds = entry.get("holds", True)
    if not isinstance(holds, bool):
        raise LineError('must have true or false as "holds" in "conditions"')
    return text_of(entry, "concept", "conditions"), holds


def _check_view(views: Mapping[str, _HeaderView], view: View, uri: str) -> None:
    there = views[view.name]
    if there.type != view.type:
        raise invalid_spec(f"view.type: {view.type}, but {uri} says {there.type}; make them agree")
    if view.parent is not None and view.parent.name != there.parent:
        said = quoted(there.parent) if there.parent is not None else "that it has none"
        raise invalid_spec(f"view.parent: {quoted(view.parent.name)}, but {uri} says {said}; correct or remove it")
    if view.conditions is not None and not same_conditions(spec_conditions(view), there.conditions):
        said = _shown(there.conditions) if there.conditions else "none"
        raise invalid_spec(f"view.conditions: not those of {uri}, which are {said}; correct or remove them")


def _path(views: Mapping[str, _HeaderView], view: View, uri: str) -> ViewPath:
    upwards = [views[view.name]]
    while (parent := upwards[-1].parent) is not None:
        if parent not in views:
            raise LineError(f"has the view {quoted(upwards[-1].name)} below {quoted(parent)}, which it has not")
        if views[parent] in upwards:
            raise LineError(f"has the view {quoted(parent)} below itself; correct its parent")
        upwards.append(views[parent])
    path = ViewPath(tuple(_level(each, views) for each in reversed(upwards)))
    if view.parent is not None and view.parent.type != path.levels[-2].type:
        raise invalid_spec(
            f"view.parent.type: {view.parent.type}, but {uri} says {path.levels[-2].type}; make them agree"
        )
    detections = [level.name for level in path.levels if level.type is ViewType.DETECTION]
    if len(detections) > 1:
        raise invalid_spec(
            f"view: in {uri} the Detection view {quoted(detections[-1])} stands under another, "
            f"{quoted(detections[0])}, which is not trained; choose another view"
        )
    return path


def _level(view: _HeaderView, views: Mapping[str, _HeaderView]) -> Level:
    if view.type not in list(ViewType):
        raise LineError(f"has the view {quoted(view.name)} of the type {quoted(view.type)}; types are {_types()}")
    if view.conditions and view.parent is None:
        raise LineError(f"has conditions of the view {quoted(view.name)}, which stands under none; remove them")
    for concept in (concept for every in view.conditions for concept, _ in every):
        if view.parent is not None and concept not in views[view.parent].concepts:
            raise LineError(
                f"has a condition of the view {quoted(view.name)} on {quoted(concept)}, which is no concept of "
                f"{quoted(view.parent)}; correct it"
            )
    return Level(view.name, ViewType(view.type), view.concepts, view.conditions)


def _types() -> str:
    return ", ".join(ViewType)


def _shown(conditions: Conditions) -> str:
    return quoted([[{"concept": concept, "holds": holds} for concept, holds in every] for every in conditions])


def _no_concept(concept: str, view: View, there: frozenset[str], uri: str) -> UserError:
    names = ", ".join(map(quoted, sorted(there)[:10])) + (", ..." if len(there) > 10 else "")
    return data_error(
        f"concepts: the view {quoted(view.name)} of {uri} has no concept {quoted(concept)}; it has {names or 'none'}"
    )
