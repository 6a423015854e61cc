"""Which images a version learns from: reads the data set, applies the splits, checks that it can be trained.

Classification: an annotated image has exactly one concept. One without, or with two of the model's, is an error in
the data. One whose concept the file's view has and the spec has not is left out and counted as not in the model; one
that is not annotated for the view is left out and counted, too.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from tintype_api.errors import UserError, data_error, not_found
from tintype_api.modelversion import ModelVersion
from tintype_api.spec import ModelVersionSpec
from tintype_trainer.dataset import Example, Selection, Split, counts
from tintype_trainer.folders import PICTURE_SUFFIXES, read_folders
from tintype_trainer.sentences import first_of
from tintype_trainer.splits import apply_splits
from tintype_trainer.storage import Store, as_folder, is_folder, join, local_path, parent
from tintype_trainer.storage.uri import FILE_SCHEME
from tintype_trainer.studio import StudioImage, read_studio

NAMED: Final = 5
"""How many errors in the data are named; all are counted."""

logger = logging.getLogger(__name__)


def read_examples(version: ModelVersion, store: Store) -> Selection:
    """Return the examples of a resolved version, in the order of their ids.

    A data set whose URI ends in a slash, or is a folder of this machine, has one folder per concept; any other is
    Studio JSON lines.

    Raises:
        UserError: exit 65 for data that cannot be trained, 64 where the spec contradicts the file, 66 where
            storage has it not or denies it.
    """
    spec = version.spec
    found = _from_folders(spec, store) if _has_folders(spec.dataset.uri) else _from_studio(spec, store)
    if found.errors.count:
        raise _wrong(found.errors, spec)
    ordered = sorted(found.examples, key=lambda example: example.id)
    examples = apply_splits(ordered, validation=spec.dataset.validation, test=spec.dataset.test)
    _check_training(examples, spec, found.folders)
    return Selection(spec.concepts, examples, found.not_in_model, found.not_annotated)


@dataclass
class _Errors:
    """Errors in the data: all counted, the first named."""

    count: int = 0
    named: list[str] = field(default_factory=list)

    def add(self, sentence: str) -> None:
        self.count += 1
        if len(self.named) < NAMED:
            self.named.append(sentence)


@dataclass
class _Found:
    examples: list[Example] = field(default_factory=list)
    not_in_model: int = 0
    not_annotated: int = 0
    folders: tuple[str, ...] | None = None
    errors: _Errors = field(default_factory=_Errors)


def _has_folders(uri: str) -> bool:
    return is_folder(uri) or (uri.startswith(FILE_SCHEME) and local_path(uri).is_dir())


def _from_studio(spec: ModelVersionSpec, store: Store) -> _Found:
    found, seen = _Found(), dict[str, int]()
    uri = spec.dataset.uri
    model = {concept: concept for concept in spec.concepts}
    for image in read_studio(store.lines(uri), spec.view, spec.concepts, uri):
        first = seen.setdefault(image.name, image.line)
        if first != image.line:
            found.errors.add(f"line {image.line}: {image.name} stands in line {first} already")
        elif not image.annotated:
            found.not_annotated += 1
        elif error := _concept_error(image, model):
            found.errors.add(f"line {image.line}: {image.name} {error}")
        elif image.concepts[0] not in model or len(image.concepts) > 1:
            found.not_in_model += 1
        else:
            concept = model[image.concepts[0]]
            image_uri = _image_uri(image, uri)
            found.examples.append(Example(image.name, image_uri, image.split, (concept,), group=image.name))
    return found


def _concept_error(image: StudioImage, model: Iterable[str]) -> str | None:
    of_model = [concept for concept in image.concepts if concept in model]
    if len(of_model) > 1:
        return f"has two concepts, {of_model[0]} and {of_model[1]}"
    return None if image.concepts else "is annotated and has no concept"


def _image_uri(image: StudioImage, uri: str) -> str:
    if image.file is not None:
        return join(parent(uri), image.file)
    assert image.url is not None, "an image has a file or a URL"
    if image.url.startswith(FILE_SCHEME) and not uri.startswith(FILE_SCHEME):
        raise data_error(f"{uri}: line {image.line} has a file:// URL, which only a data set on this machine may have")
    return image.url


def _from_folders(spec: ModelVersionSpec, store: Store) -> _Found:
    prefix = as_folder(spec.dataset.uri)
    listing = read_folders(store.list(prefix), prefix)
    if not listing.images:
        raise not_found(f"{prefix} holds no pictures ({', '.join(PICTURE_SUFFIXES)}); correct dataset.uri")
    if listing.others:
        logger.info("%s: %d files are no pictures by their suffix and are not read", prefix, listing.others)
    model = {concept: concept for concept in spec.concepts}
    found = _Found(folders=tuple(sorted({image.folder for image in listing.images if image.folder})))
    for image in listing.images:
        if image.folder is None:
            found.not_annotated += 1
        elif image.folder not in model:
            found.not_in_model += 1
        else:
            concept = model[image.folder]
            found.examples.append(Example(image.id, image.uri, Split.TRAIN, (concept,), group=image.id))
    return found


def _wrong(errors: _Errors, spec: ModelVersionSpec) -> UserError:
    lead = f"{spec.dataset.uri}: {errors.count} images are wrong for the view '{spec.view.name}'"
    return data_error(f"{lead}, which takes each once with one concept; correct {first_of(errors.named, errors.count)}")


def _check_training(examples: Iterable[Example], spec: ModelVersionSpec, folders: tuple[str, ...] | None) -> None:
    table = counts(tuple(examples), spec.concepts)
    missing = [concept for concept in spec.concepts if not table[concept][Split.TRAIN]]
    if not missing:
        return
    named = ", ".join(f"'{concept}'" for concept in missing[:NAMED]) + (", ..." if len(missing) > NAMED else "")
    there = "" if folders is None else f" (its folders are {first_of(folders, len(folders))})"
    raise data_error(
        f"concepts: {spec.dataset.uri}{there} has no training example of {named}; add images or remove the concept"
    )
