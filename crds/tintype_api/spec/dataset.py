"""Where the examples come from and how they are arranged."""

from typing import Annotated

from pydantic import Field

from tintype_api.model import Model, Rule, exactly_one
from tintype_api.spec.common import Seed, Uri


class Split(Model):
    """The examples that are set aside: drawn at random, stratified by concept, or in a file of their own."""

    rules = (
        exactly_one("a split", "fraction", "count", "uri"),
        Rule(
            cel="!has(self.uri) || self.seed == 0",
            holds=lambda split: split.uri is None or split.seed == 0,
            message="seed: nothing is drawn where a file holds the set; remove it or give fraction or count",
        ),
    )

    fraction: Annotated[float | None, Field(gt=0, lt=1)] = None
    """Share of the examples."""
    count: Annotated[int | None, Field(ge=1, le=100_000_000)] = None
    """Number of examples."""
    uri: Uri | None = None
    """A second COCO json that holds this set, where dataset.uri is one."""
    seed: Seed = 0
    """Seed of the drawing; not with uri."""

    @property
    def is_drawn(self) -> bool:
        """Whether its examples are drawn at random, and not in a file of their own."""
        return self.uri is None


class GroupBy(Model):
    """What examples have in common that must stay on one side of a split."""

    rules = (exactly_one("dataset.groupBy", "metadata", "path"),)

    metadata: Annotated[str | None, Field(min_length=1, max_length=128)] = None
    """A key of the images' metadata; images without it are groups of their own."""
    path: Annotated[str | None, Field(min_length=1, max_length=256)] = None
    """A regular expression that is searched in the image's path; its first group, else all that it matches."""


class Dataset(Model):
    """Where the examples come from."""

    rules = (
        Rule(
            cel="!has(self.groupBy) || (has(self.validation) && !has(self.validation.uri)) "
            "|| (has(self.test) && !has(self.test.uri))",
            holds=lambda dataset: (
                dataset.group_by is None
                or any(split is not None and split.is_drawn for split in (dataset.validation, dataset.test))
            ),
            message="dataset.groupBy: no split is drawn, in which groups would stay on one side; give "
            "dataset.validation or dataset.test a fraction or count, or remove it",
        ),
    )

    uri: Uri
    """Studio JSON lines, COCO json, or a folder or prefix that ends in / with one folder per concept; s3:// or file://."""
    validation: Split | None = None
    """The validation set, which chooses the best epoch; absent: as the file says."""
    test: Split | None = None
    """The test set, read once at the end; absent: as the file says."""
    group_by: GroupBy | None = None
    """What must stay on one side of a split that is drawn, of which there must be one; absent: the image."""


class Balance(Model):
    """Repeats training examples of rare concepts until the entropy of the labels stops rising."""

    max_expansion_ratio: Annotated[float, Field(ge=1, le=100)] = 2
    """The longest that the list of training examples may become, as a multiple."""


class Negatives(Model):
    """Images that hold none of the concepts; they join the training only."""

    uri: Uri
    """A folder or prefix that ends in /."""
    count: Annotated[int, Field(ge=1, le=100_000_000)] = 1000
    """How many are drawn, with training.seed."""


class DatasetOptions(Model):
    """How the training examples are made from the data set."""

    crop_margin: Annotated[float | None, Field(ge=0, le=2)] = None
    """In a child view of a Detection view: what is added on each side, as a share of the region's smaller side; 0.1."""
    balance: Balance | None = None
    """Absent: each example once in an epoch."""
    negatives: Negatives | None = None
    """For Tagging and Detection."""
