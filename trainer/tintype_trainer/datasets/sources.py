"""Opens a data set of any format: its path of views, and its images one by one."""

import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from tintype_api.errors import data_error, invalid_spec, not_found
from tintype_api.spec import ModelVersionSpec
from tintype_api.spec.view import View, ViewType
from tintype_trainer.datasets.annotations import AnnotatedImage, Annotation
from tintype_trainer.datasets.coco import CocoFile, CocoSource, read_coco
from tintype_trainer.datasets.dataset import Split
from tintype_trainer.datasets.folders import PICTURE_SUFFIXES, FolderImage, read_folders
from tintype_trainer.datasets.studio import open_studio
from tintype_trainer.datasets.views import ViewPath, path_of_spec
from tintype_trainer.sentences import first_of
from tintype_trainer.storage import Store, as_folder, is_folder, local_path, parent
from tintype_trainer.storage.uri import FILE_SCHEME

WITHOUT_CONCEPT_FOLDER: Final = "_none"
"""The folder of images that no concept holds of, in Tagging."""
COCO_SUFFIX: Final = ".json"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """A data set that was opened.

    Attributes:
        path: The views from the topmost down to the spec's.
        images: Its images, read as they are taken where the format allows it.
        folders: The folders of a prefix; None in other formats.
    """

    path: ViewPath
    images: Iterable[AnnotatedImage]
    folders: tuple[str, ...] | None = None


def open_source(spec: ModelVersionSpec, store: Store) -> Source:
    """Open `dataset.uri`, and the second files that the splits name.

    A URI that ends in a slash, or is a folder of this machine, has one folder per concept; one that ends in .json is
    COCO json, unless its first line is a header of Studio JSON lines; any other is Studio JSON lines.

    Raises:
        UserError: exit 64 where the spec contradicts the format or the file, 65 for data that cannot be read, 66 where
            storage has it not or denies it.
    """
    uri = spec.dataset.uri
    if _has_folders(uri):
        _check_no_second_files(spec)
        return _folders(spec, store)
    if _is_coco(uri, store):
        return _coco(spec, store)
    _check_no_second_files(spec)
    studio = open_studio(store.lines(uri), spec.view, spec.concepts, uri)
    return Source(studio.path, studio.images)


def _has_folders(uri: str) -> bool:
    return is_folder(uri) or (uri.startswith(FILE_SCHEME) and local_path(uri).is_dir())


def _is_coco(uri: str, store: Store) -> bool:
    if not uri.lower().endswith(COCO_SUFFIX):
        return False
    first_line = next(store.chunks(uri), b"").partition(b"\n")[0]
    try:
        document: Any = json.loads(first_line)
    except (ValueError, RecursionError):
        return True
    return not (isinstance(document, dict) and "views" in document)


def _second_files(spec: ModelVersionSpec) -> Iterator[tuple[Split, str]]:
    for split, settings in ((Split.VALIDATION, spec.dataset.validation), (Split.TEST, spec.dataset.test)):
        if settings is not None and settings.uri is not None:
            yield split, settings.uri


def _check_no_second_files(spec: ModelVersionSpec) -> None:
    for split, _ in _second_files(spec):
        raise invalid_spec(
            f"dataset.{split}.uri: only COCO json has its splits in files of their own, and {spec.dataset.uri} is "
            "none; give fraction or count, or remove it"
        )


def _has_regions(view: View) -> bool:
    return ViewType.DETECTION in (view.type, view.parent.type if view.parent else None)


def _coco(spec: ModelVersionSpec, store: Store) -> Source:
    uri, group_by = spec.dataset.uri, spec.dataset.group_by
    with_boxes, metadata = _has_regions(spec.view), group_by.metadata if group_by else None

    def read(file: str, split: Split) -> CocoFile:
        prefix = "" if parent(file) == parent(uri) else f"{split}/"
        return read_coco(store.chunks(file), CocoSource(file, split, prefix, with_boxes=with_boxes, metadata=metadata))

    first = read(uri, Split.TRAIN)
    others = [read(file, split) for split, file in _second_files(spec)]
    for concept in spec.concepts:
        if concept not in first.concepts:
            names = first_of(sorted(first.concepts), len(first.concepts)) or "none"
            raise data_error(f"concepts: {uri} has no category '{concept}'; it has {names}")
    path = path_of_spec(spec.view, first.concepts.union(*(file.concepts for file in others)), uri)
    return Source(path, chain(first.images, *(file.images for file in others)))


def _folders(spec: ModelVersionSpec, store: Store) -> Source:
    prefix = as_folder(spec.dataset.uri)
    if _has_regions(spec.view):
        raise invalid_spec(
            f"dataset.uri: {prefix} has one folder per concept and so no boxes, which the view '{spec.view.name}' "
            "needs; name a file of Studio JSON lines or COCO json"
        )
    if spec.dataset.group_by and spec.dataset.group_by.metadata:
        raise invalid_spec("dataset.groupBy.metadata: folders have no metadata; group by path or remove it")
    listing = read_folders(store.list(prefix), prefix)
    if not listing.images:
        raise not_found(f"{prefix} holds no pictures ({', '.join(PICTURE_SUFFIXES)}); correct dataset.uri")
    if listing.others:
        logger.info("%s: %d files are no pictures by their suffix and are not read", prefix, listing.others)
    folders = tuple(sorted({image.folder for image in listing.images if image.folder}))
    without = WITHOUT_CONCEPT_FOLDER if spec.view.type is ViewType.TAGGING else None
    path = path_of_spec(spec.view, frozenset((*folders, *spec.concepts)), prefix)
    return Source(path, (_folder_image(image, without) for image in listing.images), folders)


def _folder_image(image: FolderImage, without: str | None) -> AnnotatedImage:
    holds = {} if image.folder == without or image.folder is None else {image.folder: True}
    annotations = () if image.folder is None else (Annotation(holds),)
    return AnnotatedImage(image.id, image.id, image.uri, Split.TRAIN, annotations, {})
