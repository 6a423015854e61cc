"""A contact sheet of training examples as the network sees them: each without augmentation, then in several draws."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from tintype_api.modelversion import ModelVersion
from tintype_trainer.datasets.dataset import Selection, Split, labels
from tintype_trainer.datasets.examples import read_examples
from tintype_trainer.datasets.freezing import freeze
from tintype_trainer.loop.randomness import Stream, generator
from tintype_trainer.loop.records import Examples
from tintype_trainer.pixels.contact_sheet import Tile, contact_sheet
from tintype_trainer.pixels.reading import Seen
from tintype_trainer.pixels.staging import stage
from tintype_trainer.preparing import Prepared, open_loader
from tintype_trainer.storage import Store

PLAIN: Final = "not augmented"
POOL: Final = 16
"""Examples that are read at least, where there are as many, so that there are some to mix with."""
NO_CONCEPT: Final = "none"


@dataclass(frozen=True, slots=True)
class Preview:
    """A sheet, made.

    Attributes:
        sheet: The contact sheet: a row for each example, a column for each draw.
        examples: How many examples it shows.
    """

    sheet: Image.Image
    examples: int


def preview(version: ModelVersion, store: Store, cache: Path, count: int, draws: int) -> Preview:
    """Return the sheet of a resolved version; no more pictures than it needs are fetched.

    The examples are drawn by training.seed. MixUp, CutMix and Mosaic mix them with each other and with a few more, as
    a batch of the training would be.

    Args:
        version: The resolved version.
        store: Storage.
        cache: Folder for pictures of s3://.
        count: Training examples, at most.
        draws: Columns of augmented examples.

    Raises:
        UserError: as the run does for the same data set.
    """
    spec = version.spec
    chosen = sampled(read_examples(version, store), max(count, POOL), spec.training.seed)
    staged = stage(chosen, store, cache)
    prepared = Prepared(staged, freeze(staged), Examples(staged.training, [], []))
    with open_loader(spec, prepared, workers=1) as loader:
        indices = staged.training
        reader = loader.reader(indices, spec.training.seed, spec.augmentations)
        columns = [[loader.plain(index) for index in indices[:count]]]
        columns += [reader.batch(draw, range(len(indices)), draw) for draw in range(draws)]
    headings = [PLAIN, *(f"draw {draw + 1}" for draw in range(draws))]
    shown = zip(*(column[:count] for column in columns), strict=True)
    rows = [[_tile(seen, spec.concepts) for seen in row] for row in shown]
    return Preview(contact_sheet(headings, rows, spec.concepts), len(rows))


def sampled(selection: Selection, count: int, seed: int) -> Selection:
    """Return a selection of at most `count` training examples, as they are drawn, and of their concepts."""
    training = [example for example in selection.examples if example.split is Split.TRAIN]
    places = generator(seed, Stream.PREVIEW).permutation(len(training))[:count]
    chosen = tuple(training[place] for place in places.tolist())
    there = {concept for example in chosen for concept in labels(example)}
    return replace(
        selection, examples=chosen, concepts=tuple(concept for concept in selection.concepts if concept in there)
    )


def _tile(seen: Seen, concepts: Sequence[str]) -> Tile:
    if not seen.shares_K.size:
        return Tile(seen.canvas, _counted(len(seen.boxes_N4)), seen.boxes_N4, seen.labels_N)
    return Tile(seen.canvas, words_of(seen.shares_K.tolist(), concepts), seen.boxes_N4, seen.labels_N)


def _counted(boxes: int) -> str:
    return "1 box" if boxes == 1 else f"{boxes} boxes"


def words_of(shares: Sequence[float], concepts: Sequence[str]) -> str:
    """Return the concepts that hold, with their share where it is not the whole."""
    named = [
        concept if share == 1 else f"{concept} {share:.2f}"
        for share, concept in zip(np.round(shares, 2).tolist(), concepts, strict=True)
        if share > 0
    ]
    return ", ".join(named) or NO_CONCEPT
