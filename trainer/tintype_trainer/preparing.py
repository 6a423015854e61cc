"""The first stage of a run: from the data set to examples on this machine, counted and frozen."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tintype_api.modelversion import ModelVersion
from tintype_api.quantity import size_bytes
from tintype_api.spec import ModelVersionSpec
from tintype_api.spec.resizer import ImageResizer
from tintype_api.spec.view import ViewType
from tintype_trainer.datasets.arrangement import arrange
from tintype_trainer.datasets.dataset import Split, Staged, counts
from tintype_trainer.datasets.examples import read_examples
from tintype_trainer.datasets.freezing import FrozenDataset, freeze
from tintype_trainer.loop.records import Examples
from tintype_trainer.output.prepared import PreparedList
from tintype_trainer.output.publishing import VersionPlace
from tintype_trainer.pixels.batches import Loader
from tintype_trainer.pixels.picture_memory import PictureMemory, picture_budget_bytes
from tintype_trainer.pixels.samples import targets_of
from tintype_trainer.pixels.staging import stage
from tintype_trainer.reporting.journal import Journal
from tintype_trainer.sentences import NO_VALIDATION
from tintype_trainer.storage import Store

DEFAULT_CROP_MARGIN = 0.1


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a training works on.

    Attributes:
        staged: The examples, on this machine.
        frozen: Their list.
        examples: Their indices, by split; those for training as often as an epoch reads them.
    """

    staged: Staged
    frozen: FrozenDataset
    examples: Examples

    def training_counts(self, concepts: tuple[str, ...]) -> list[int]:
        """Return how often each concept stands in what an epoch trains on."""
        training = [self.staged.examples[index].example for index in self.examples.train]
        table = counts(training, concepts)
        return [table[concept][Split.TRAIN] for concept in concepts]


def prepare(
    version: ModelVersion,
    store: Store,
    place: VersionPlace,
    cache: Path,
    journal: Journal,
    staging: Callable[[int, int], None],
) -> Prepared:
    """Read, select, split, stage, arrange and freeze the examples of a resolved version, and report their counts.

    In a cluster they are those that an earlier Pod of the version has chosen, or are kept for those that follow.

    Args:
        version: The resolved version.
        store: Storage.
        place: The version's folder.
        cache: Folder for pictures.
        journal: Who is told.
        staging: Told of pictures done and pictures in all.

    Raises:
        UserError: for all that can be wrong with a data set.
    """
    kept = PreparedList(store, place, cache) if version.metadata.uid else None
    chosen = kept.read() if kept else None
    if chosen:
        journal.note("the examples are those that an earlier Pod of this version has chosen")
    selection = chosen.selection if chosen else read_examples(version, store)
    staged = arrange(stage(selection, store, cache, progress=staging), version.spec.dataset_options)
    frozen = freeze(staged)
    if kept and not chosen:
        kept.write(selection, frozen.digest)
    if chosen and chosen.dataset_digest != frozen.digest:
        journal.note(
            "warning: pictures have changed since the examples were chosen; they are trained on as they are now"
        )
    journal.update(urgent=True, dataset=frozen.status)
    of = {split: [i for i, each in enumerate(staged.examples) if each.example.split is split] for split in Split}
    if not of[Split.VALIDATION]:
        journal.note(NO_VALIDATION)
    return Prepared(staged, frozen, Examples(staged.training, of[Split.VALIDATION], of[Split.TEST]))


def open_loader(spec: ModelVersionSpec, prepared: Prepared, workers: int) -> Loader:
    """Return what makes batches of the prepared examples, as the resolved spec says."""
    examples = prepared.staged.examples
    detection = spec.view.type is ViewType.DETECTION
    return Loader(
        PictureMemory([staged.path for staged in examples], _budget_bytes(spec)),
        targets_of([staged.example for staged in examples], spec.concepts, detection=detection),
        resizer_of(spec),
        workers=workers,
        crop_margin=crop_margin_of(spec),
    )


def _budget_bytes(spec: ModelVersionSpec) -> int:
    """Return the bytes for pictures of one of the processes that share compute.memory."""
    return picture_budget_bytes(size_bytes(spec.compute.memory) // spec.compute.processes_per_node)


def resizer_of(spec: ModelVersionSpec) -> ImageResizer:
    """Return the resizer of a resolved spec."""
    assert spec.image_resizer is not None, "resolve fills in imageResizer"
    return spec.image_resizer


def crop_margin_of(spec: ModelVersionSpec) -> float:
    """Return the margin around regions, as a share of their smaller side."""
    margin = spec.dataset_options.crop_margin
    return DEFAULT_CROP_MARGIN if margin is None else margin
