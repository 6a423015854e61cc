"""The view: the question that is asked of images."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from tintype_api.model import Model, Rule
from tintype_api.spec.common import ConceptName


class ViewType(StrEnum):
    """The kinds of question that a view can ask."""

    CLASSIFICATION = "Classification"
    TAGGING = "Tagging"
    DETECTION = "Detection"


class ParentView(Model):
    """The view that a child view stands under."""

    name: ConceptName
    """Name of the parent view, as in the data set."""
    type: ViewType
    """Under a Detection view each annotated region is an example; under the others each image."""


class Condition(Model):
    """What must hold of an annotation of the parent view."""

    concept: ConceptName
    """A concept of the parent view."""
    holds: bool = True
    """Whether it must hold or must not."""


class View(Model):
    """One question asked of images, or of regions of images."""

    rules = (
        Rule(
            cel="self.type != 'Detection' || !has(self.parent) || self.parent.type != 'Detection'",
            holds=lambda view: (
                view.type != ViewType.DETECTION or view.parent is None or view.parent.type != ViewType.DETECTION
            ),
            message="view: Detection under a Detection view is not trained; give it a parent of another type or none",
        ),
        Rule(
            cel="!has(self.parent) || self.parent.name != self.name",
            holds=lambda view: view.parent is None or view.parent.name != view.name,
            message="view.parent: a view cannot stand under itself; name the view above it",
        ),
    )

    name: ConceptName
    """Name of the view, as in the data set."""
    type: ViewType
    """Classification: exactly one concept holds. Tagging: any number, or none. Detection: boxes of concepts."""
    parent: ParentView | None = None
    """The view above this one; absent: as the header of Studio JSON lines says, else none."""
    conditions: Annotated[
        tuple[Annotated[tuple[Condition, ...], Field(min_length=1, max_length=16)], ...] | None,
        Field(min_length=1, max_length=16),
    ] = None
    """Which of the parent's annotations count: the outer list is OR, the inner lists are AND; absent: all of them."""
