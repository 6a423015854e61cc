"""Which examples an annotated image gives for a view and a model. Pure.

An image counts for a view where it is annotated for it and for each view above it, and meets the conditions on the
way. What a region says to hold, holds of its image as well. Under a Detection view each region that one of its
concepts holds of is taken by itself from there on.

- Classification: exactly one concept of the view holds. With none, or two of the model's, the data is wrong; with one
  that the model has not, the example is left out.
- Tagging: a concept that is not named does not hold; one that the model has not is ignored.
- Detection: each region with a concept is a box; one whose concept the model has not is ignored.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tintype_api.spec.view import ViewType
from tintype_trainer.datasets.annotations import AnnotatedImage, Annotation, BrokenBoxError, region_of
from tintype_trainer.datasets.dataset import Box, Example, Region
from tintype_trainer.datasets.views import Level, ViewPath, meets

NAMED: Final = 5
"""How many errors in the data are named; all are counted."""

GroupOf = Callable[[AnnotatedImage], str]


@dataclass
class DataErrors:
    """Errors in the data: all counted, the first named."""

    count: int = 0
    named: list[str] = field(default_factory=list)

    def add(self, sentence: str) -> None:
        """Count one, and keep its sentence if it is among the first."""
        self.count += 1
        if len(self.named) < NAMED:
            self.named.append(sentence)


class Selector:
    """Takes annotated images, one after the other, and gathers their examples.

    Attributes:
        examples: The examples so far.
        errors: What is wrong with the data.
        not_in_model: Examples (Classification), labels (Tagging) or boxes (Detection) of a concept that the model has
            not.
        not_annotated: Images or regions without an annotation for a view on the path.
        conditions_unmet: Images or regions that do not meet the conditions of a view on the path.
    """

    def __init__(self, path: ViewPath, concepts: Sequence[str], group_of: GroupOf) -> None:
        self.examples: list[Example] = []
        self.errors = DataErrors()
        self.not_in_model = 0
        self.not_annotated = 0
        self.conditions_unmet = 0
        self._view = path.view
        self._of_images = path.of_images
        self._of_regions = path.of_regions
        self._order = {concept: place for place, concept in enumerate(concepts)}
        self._group_of = group_of
        self._seen: dict[str, str] = {}
        self._shared: dict[tuple[str, ...], tuple[str, ...]] = {}

    def add(self, image: AnnotatedImage) -> None:
        """Take an image."""
        first = self._seen.setdefault(image.name, image.where)
        if first is not image.where:
            self.errors.add(f"{image.where}: {image.name} stands in {first} already")
            return
        holds = _of_image(image.annotations)
        if not self._chosen(holds, image.annotations):
            return
        if self._of_regions:
            self._add_regions(image)
        elif self._view.type is ViewType.DETECTION:
            self._add_boxes(image)
        else:
            self._add_example(image, image.name, self._true(holds), None)

    def _chosen(self, holds: Mapping[str, bool], annotations: Sequence[Annotation]) -> bool:
        without = any(not annotation.holds for annotation in annotations)
        return all(self._passes(level, holds, annotated=without) for level in self._of_images)

    def _passes(self, level: Level, holds: Mapping[str, bool], *, annotated: bool) -> bool:
        if not meets(holds, level.conditions):
            self.conditions_unmet += 1
            return False
        if not annotated and level.concepts.isdisjoint(holds):
            self.not_annotated += 1
            return False
        return True

    def _add_regions(self, image: AnnotatedImage) -> None:
        of_parent = self._of_images[-1].concepts
        regions = [annotation for annotation in image.annotations if annotation.bbox is not None]
        for number, annotation in enumerate(regions):
            if annotation.ignore or not any(annotation.holds[name] for name in annotation.holds if name in of_parent):
                continue
            name = f"{image.name}#{number}"
            if all(self._passes(level, annotation.holds, annotated=False) for level in self._of_regions):
                region = self._region(image, name, annotation)
                if region is not None:
                    self._add_example(image, name, self._true(annotation.holds), region)

    def _add_example(self, image: AnnotatedImage, name: str, true: tuple[str, ...], region: Region | None) -> None:
        of_model = self._of_model(true)
        if self._view.type is ViewType.TAGGING:
            self.not_in_model += len(true) - len(of_model)
        elif len(of_model) > 1:
            self.errors.add(f"{image.where}: {name} has two concepts, {of_model[0]} and {of_model[1]}")
            return
        elif not true:
            self.errors.add(f"{image.where}: {name} is annotated and has no concept")
            return
        elif len(true) > len(of_model):
            self.not_in_model += 1
            return
        self.examples.append(
            Example(name, image.uri, image.split, of_model, region=region, group=self._group_of(image))
        )

    def _add_boxes(self, image: AnnotatedImage) -> None:
        boxes = tuple(box for annotation in image.annotations if (box := self._box(image, annotation)))
        concepts = self._of_model(tuple(sorted({box.concept for box in boxes if not box.ignore})))
        self.examples.append(
            Example(image.name, image.uri, image.split, concepts, boxes=boxes, group=self._group_of(image))
        )

    def _box(self, image: AnnotatedImage, annotation: Annotation) -> Box | None:
        true = self._true(annotation.holds)
        of_model = self._of_model(true)
        if not true:
            return None
        if annotation.bbox is None:
            self.errors.add(f"{image.where}: {image.name} has the concept {true[0]} without a bbox")
        elif len(of_model) > 1:
            self.errors.add(f"{image.where}: a box of {image.name} has two concepts, {of_model[0]} and {of_model[1]}")
        elif len(true) > len(of_model):
            self.not_in_model += 1
        elif region := self._region(image, f"a box of {image.name}", annotation):
            return Box(of_model[0], region.x0, region.y0, region.x1, region.y1, annotation.ignore)
        return None

    def _region(self, image: AnnotatedImage, name: str, annotation: Annotation) -> Region | None:
        try:
            return region_of(annotation.bbox)
        except BrokenBoxError as error:
            self.errors.add(f"{image.where}: {name}: its bbox {error}")
            return None

    def _true(self, holds: Mapping[str, bool]) -> tuple[str, ...]:
        """Return the concepts of the view that hold, sorted by name."""
        concepts = self._view.concepts
        true = [name for name, value in holds.items() if value and name in concepts]
        return tuple(true) if len(true) < 2 else tuple(sorted(true))

    def _of_model(self, true: tuple[str, ...]) -> tuple[str, ...]:
        """Return those that the model has, in its order; equal ones are one tuple, since there are millions."""
        found = self._shared.get(true)
        if found is None:
            found = tuple(sorted((name for name in true if name in self._order), key=self._order.__getitem__))
            self._shared[true] = found
        return found


def _of_image(annotations: Sequence[Annotation]) -> Mapping[str, bool]:
    if len(annotations) == 1:
        return annotations[0].holds
    holds: dict[str, bool] = {}
    for annotation in annotations:
        for name, value in annotation.holds.items():
            holds[name] = value or holds.get(name, False)
    return holds
