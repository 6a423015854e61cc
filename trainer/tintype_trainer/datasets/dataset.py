"""The words of a data set: examples, their splits, what was selected, and what was staged. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tintype_api.spec.view import View, ViewType
from tintype_api.status import Unreadable


class Split(StrEnum):
    """The set that an example belongs to."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Box:
    """One annotated box of a picture whose EXIF rotation is applied; shares of its width and height.

    Attributes:
        concept: The concept of the model that is in it.
        x0: Left side.
        y0: Upper side.
        x1: Right side, more than x0.
        y1: Lower side, more than y0.
        ignore: A crowd in COCO: not trained on, and neither right nor wrong in evaluation.
    """

    concept: str
    x0: float
    y0: float
    x1: float
    y1: float
    ignore: bool = False


@dataclass(frozen=True, slots=True)
class Region:
    """What a child view crops of a picture whose EXIF rotation is applied; shares of its width and height."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class Example:
    """One annotated image, or one annotated region of an image.

    Attributes:
        id: Its name within the data set, the same on every machine: `data.file` or `data.url` of a Studio line,
            `file_name` of COCO, or `<concept>/<path>` below a prefix; "<image>#<n>" for region n (from 0) in a child
            view of a Detection view.
        uri: Where its picture is, s3:// or file://.
        split: The set that it belongs to.
        concepts: The concepts of the model that hold, in the spec's order: one in Classification, any number in
            Tagging, those of the boxes in Detection.
        boxes: The boxes, in Detection.
        region: What is cropped, in a child view of a Detection view; None: the whole picture.
        group: What keeps examples on one side of a split; the image where `dataset.groupBy` does not say.
        negative: Whether it comes from `datasetOptions.negatives`.
    """

    id: str
    uri: str
    split: Split
    concepts: tuple[str, ...]
    boxes: tuple[Box, ...] = ()
    region: Region | None = None
    group: str = ""
    negative: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """The examples that a version is about, in the order of their ids, and what was left out.

    Attributes:
        view: The kind of view that they are examples of.
        concepts: The spec's concepts, in its order.
        examples: The examples, negatives last; every concept has at least one for training.
        not_in_model: Annotated examples (Classification), labels (Tagging) or boxes (Detection) left out since their
            concept is not in the spec.
        not_annotated: Images, or regions of a child view, without an annotation for the view.
        without_boxes: Training images left out of Detection since they have no box.
        conditions_unmet: Images or regions that do not meet the view's conditions.
        completed_view: The view with parent and conditions, where the data set's header states them and the spec does
            not.
    """

    view: ViewType
    concepts: tuple[str, ...]
    examples: tuple[Example, ...]
    not_in_model: int
    not_annotated: int
    without_boxes: int = 0
    conditions_unmet: int = 0
    completed_view: View | None = None


@dataclass(frozen=True, slots=True)
class StagedExample:
    """An example whose picture is on this machine and was decoded once.

    Attributes:
        example: The example.
        path: The picture's local file.
        sha256: sha256 of the file, hexadecimal.
        width: Width in pixels as stored, before any EXIF rotation.
        height: Height in pixels, likewise.
        pixels_sha256: sha256 of the decoded pixels with any EXIF rotation applied, hexadecimal.
    """

    example: Example
    path: Path
    sha256: str
    width: int
    height: int
    pixels_sha256: str


@dataclass(frozen=True, slots=True)
class Staged:
    """A selection after staging.

    Attributes:
        selection: The selection as it was before.
        examples: The readable examples, in the selection's order.
        unreadable: How many pictures were left out since they are missing or none, and the first five.
        training: What an epoch trains on, as indices of `examples`: repeated by balancing, negatives last.
    """

    selection: Selection
    examples: tuple[StagedExample, ...]
    unreadable: Unreadable
    training: tuple[int, ...]

    def of(self, split: Split) -> tuple[StagedExample, ...]:
        """Return the examples of one split, in order."""
        return tuple(staged for staged in self.examples if staged.example.split is split)


def counts(examples: Sequence[Example], concepts: Sequence[str]) -> Mapping[str, Mapping[Split, int]]:
    """Return how often each concept is in each split; zero where it is not.

    Boxes are counted in Detection, but for ignored ones; in the other views the examples that a concept holds of.
    """
    table = {concept: dict.fromkeys(Split, 0) for concept in concepts}
    for example in examples:
        for concept in labels(example):
            table[concept][example.split] += 1
    return table


def labels(example: Example) -> tuple[str, ...]:
    """Return the labels of an example: the concept of each box that is not ignored, else the concepts that hold."""
    if example.boxes:
        return tuple(box.concept for box in example.boxes if not box.ignore)
    return example.concepts
