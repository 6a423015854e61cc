"""Which examples a version learns from: reads the data set, applies the splits, checks that it can be trained."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from tintype_api.errors import UserError, data_error, invalid_spec, not_found
from tintype_api.modelversion import ModelVersion
from tintype_api.spec import ModelVersionSpec
from tintype_api.spec.training import SelectBy
from tintype_api.spec.view import ViewType
from tintype_trainer.datasets.dataset import Example, Selection, Split, counts
from tintype_trainer.datasets.folders import PICTURE_SUFFIXES
from tintype_trainer.datasets.grouping import Grouping
from tintype_trainer.datasets.negatives import draw_negatives
from tintype_trainer.datasets.selecting import NAMED, Selector
from tintype_trainer.datasets.sources import Source, open_source
from tintype_trainer.datasets.splits import apply_splits
from tintype_trainer.datasets.views import completed_view
from tintype_trainer.sentences import first_of
from tintype_trainer.storage import Store, as_folder

logger = logging.getLogger(__name__)


def read_examples(version: ModelVersion, store: Store) -> Selection:
    """Return the examples of a resolved version, in the order of their ids, negatives last.

    Detection trains on images with a box alone; its validation and test sets keep the others.

    Raises:
        UserError: exit 65 for data that cannot be trained, 64 where the spec contradicts the file or the splits, 66
            where storage has it not or denies it.
    """
    spec = version.spec
    source = open_source(spec, store)
    found = _read(source, spec)
    if not found.examples:
        _check_training((), spec, source)  # a split of nothing would be called too small
    examples = apply_splits(found.examples, validation=spec.dataset.validation, test=spec.dataset.test)
    used = tuple(example for example in examples if not _left_out(example, spec.view.type))
    _check_training(used, spec, source)
    _check_validation(used, spec)
    return Selection(
        view=spec.view.type,
        concepts=spec.concepts,
        examples=used + _negatives(used, spec, store),
        not_in_model=found.not_in_model,
        not_annotated=found.not_annotated,
        without_boxes=len(examples) - len(used),
        conditions_unmet=found.conditions_unmet,
        completed_view=completed_view(spec.view, source.path),
    )


def read_for_evaluation(spec: ModelVersionSpec, store: Store, split: Split | None) -> Selection:
    """Return the annotated examples of a data set, all as a test set, in the order of their ids.

    Args:
        spec: A resolved spec; its dataset.uri is read, and no split drawn.
        store: Storage.
        split: Only those that the file says are of this split; None: all.

    Raises:
        UserError: exit 65 for data that is wrong or has no such example, 64 where the spec contradicts the file, 66
            where storage has it not or denies it.
    """
    found = _read(open_source(spec, store), spec)
    chosen = [example for example in found.examples if split in (None, example.split)]
    if not chosen:
        what = "annotated example" if split is None else f"annotated example of its split '{split}'"
        raise data_error(f"{spec.dataset.uri} has no {what} for the view '{spec.view.name}'; name another data set")
    return Selection(
        view=spec.view.type,
        concepts=spec.concepts,
        examples=tuple(replace(example, split=Split.TEST) for example in chosen),
        not_in_model=found.not_in_model,
        not_annotated=found.not_annotated,
        conditions_unmet=found.conditions_unmet,
    )


def _read(source: Source, spec: ModelVersionSpec) -> Selector:
    grouping = Grouping(spec.dataset.group_by, spec.dataset.uri)
    found = Selector(source.path, spec.concepts, grouping.group_of)
    for image in source.images:
        found.add(image)
    grouping.check()
    if found.errors.count:
        raise _wrong(found, spec)
    found.examples.sort(key=lambda example: example.id)
    return found


def _left_out(example: Example, view: ViewType) -> bool:
    return view is ViewType.DETECTION and example.split is Split.TRAIN and not example.concepts


def _wrong(found: Selector, spec: ModelVersionSpec) -> UserError:
    takes = {
        ViewType.CLASSIFICATION: "which takes each once with one concept",
        ViewType.TAGGING: "which takes each once",
        ViewType.DETECTION: "which takes each once with boxes of one concept",
    }
    errors = found.errors
    what = "annotations" if spec.view.type is ViewType.DETECTION else "images"
    lead = f"{spec.dataset.uri}: {errors.count} {what} are wrong for the view '{spec.view.name}'"
    return data_error(f"{lead}, {takes[spec.view.type]}; correct {first_of(errors.named, errors.count)}")


def _check_training(examples: Sequence[Example], spec: ModelVersionSpec, source: Source) -> None:
    table = counts(examples, spec.concepts)
    missing = [concept for concept in spec.concepts if not table[concept][Split.TRAIN]]
    if not missing:
        return
    named = ", ".join(f"'{concept}'" for concept in missing[:NAMED]) + (", ..." if len(missing) > NAMED else "")
    there = "" if source.folders is None else f" (its folders are {first_of(source.folders, len(source.folders))})"
    raise data_error(
        f"concepts: {spec.dataset.uri}{there} has no training example of {named}; add images or remove the concept"
    )


def _check_validation(examples: Sequence[Example], spec: ModelVersionSpec) -> None:
    if any(example.split is Split.VALIDATION for example in examples):
        return
    training = spec.training
    if training.early_stopping is not None:
        raise invalid_spec(
            "training.earlyStopping: there is no validation set whose metric it could watch; give dataset.validation "
            "or remove it"
        )
    if training.select_by is not SelectBy.AUTO:
        raise invalid_spec(
            f"training.selectBy: {training.select_by}, but there is no validation set to measure it on; give "
            "dataset.validation or remove it"
        )


def _negatives(examples: Sequence[Example], spec: ModelVersionSpec, store: Store) -> tuple[Example, ...]:
    options = spec.dataset_options.negatives
    if options is None:
        return ()
    prefix = as_folder(options.uri)
    uris = {example.uri for example in examples}
    drawn = draw_negatives(store.list(prefix), prefix, options.count, spec.training.seed, uris)
    if not drawn.examples:
        raise not_found(
            f"datasetOptions.negatives.uri: {prefix} holds no pictures ({', '.join(PICTURE_SUFFIXES)}) beyond those of "
            "the data set; correct it"
        )
    if drawn.in_dataset:
        logger.info("%s: %d pictures are in the data set and are no negatives", prefix, drawn.in_dataset)
    if drawn.available < options.count:
        logger.info("%s: has %d negatives, fewer than count: %d; all are used", prefix, drawn.available, options.count)
    return drawn.examples
