"""A view with the views above it, and the conditions by which a child view chooses. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from tintype_api.errors import invalid_spec
from tintype_api.spec.view import Condition, ParentView, View, ViewType

Conditions = tuple[tuple[tuple[str, bool], ...], ...]
"""The outer tuple is OR, the inner ones are AND; each has a concept and whether it must hold."""


@dataclass(frozen=True, slots=True)
class Level:
    """One view on the way from the topmost to the view that is asked for.

    Attributes:
        name: Its name.
        type: Its type.
        concepts: The concepts that annotations may name for it.
        conditions: What must hold of the annotations of the view above; empty: nothing.
    """

    name: str
    type: ViewType
    concepts: frozenset[str]
    conditions: Conditions = ()


@dataclass(frozen=True, slots=True)
class ViewPath:
    """The views from the topmost down to the one that is asked for, which is the last.

    Attributes:
        levels: The views, one at least.
    """

    levels: tuple[Level, ...]

    @property
    def view(self) -> Level:
        """The view that is asked for."""
        return self.levels[-1]

    @property
    def of_images(self) -> tuple[Level, ...]:
        """The views that ask about whole images: all, or those down to the Detection view whose regions are cropped."""
        for place, level in enumerate(self.levels[:-1]):
            if level.type is ViewType.DETECTION:
                return self.levels[: place + 1]
        return self.levels

    @property
    def of_regions(self) -> tuple[Level, ...]:
        """The views that ask about the regions of a Detection view above them."""
        return self.levels[len(self.of_images) :]


def meets(holds: Mapping[str, bool], conditions: Conditions) -> bool:
    """Return whether annotations meet conditions; a concept that they do not name does not hold."""
    return not conditions or any(
        all(holds.get(concept, False) is wanted for concept, wanted in every) for every in conditions
    )


def same_conditions(one: Conditions, other: Conditions) -> bool:
    """Return whether two conditions are equal but for order and repetition."""
    return set(map(frozenset, one)) == set(map(frozenset, other))


def completed_view(view: View, path: ViewPath) -> View | None:
    """Return the view with the parent and the conditions of its path; None where the spec says all that there is."""
    if len(path.levels) == 1 or (view.parent is not None and (view.conditions or not path.view.conditions)):
        return None
    above = path.levels[-2]
    conditions = tuple(
        tuple(Condition(concept=concept, holds=holds) for concept, holds in every) for every in path.view.conditions
    )
    parent = ParentView(name=above.name, type=above.type)
    return view.model_copy(update={"parent": parent, "conditions": conditions or None})


def spec_conditions(view: View) -> Conditions:
    """Return the conditions as the spec writes them out; empty without any."""
    return tuple(tuple((each.concept, each.holds) for each in every) for every in view.conditions or ())


def path_of_spec(view: View, concepts: frozenset[str], uri: str) -> ViewPath:
    """Return the path of a data set without a header, where parent and conditions are as the spec says.

    Args:
        view: The spec's view.
        concepts: All concepts that the annotations of the data set name.
        uri: The data set, for messages.

    Raises:
        UserError: exit 64 for conditions without a parent.
    """
    if view.parent is None:
        if view.conditions:
            raise invalid_spec(
                f"view.conditions: {uri} has no header that says whose conditions they are; write out view.parent, too"
            )
        return ViewPath((Level(view.name, view.type, concepts),))
    parent = Level(view.parent.name, view.parent.type, concepts)
    return ViewPath((parent, Level(view.name, view.type, concepts, spec_conditions(view))))
