"""Reads a data set that is a folder or prefix with one folder per concept. Pure but for the listing it is given.

`<prefix>/<concept>/<any path>.png` is an image of that concept; every image is for training unless the spec asks for
splits. Files that are no pictures by their suffix, and hidden ones, are counted and said, not read.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tintype_trainer.storage import ObjectInfo, relative_path

PICTURE_SUFFIXES: Final = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


@dataclass(frozen=True, slots=True)
class FolderImage:
    """One picture below the prefix.

    Attributes:
        id: Its path below the prefix.
        uri: Where it is.
        folder: The folder of the prefix that it lies in; None where it lies in the prefix itself.
    """

    id: str
    uri: str
    folder: str | None


@dataclass(frozen=True, slots=True)
class FolderListing:
    """The pictures below a prefix.

    Attributes:
        images: The pictures, in order of their ids.
        others: Files that are no pictures by their suffix.
    """

    images: tuple[FolderImage, ...]
    others: int


def read_folders(objects: Iterable[ObjectInfo], prefix: str) -> FolderListing:
    """Return what lies below a prefix.

    Args:
        objects: The listing of the prefix, at any depth, in any order.
        prefix: The URI of the prefix, with its final slash.
    """
    images: list[FolderImage] = []
    others = 0
    for found in objects:
        path = relative_path(prefix, found.uri)
        folder, slash, _ = path.partition("/")
        if is_picture(path):
            images.append(FolderImage(path, found.uri, folder if slash else None))
        else:
            others += 1
    return FolderListing(tuple(sorted(images, key=lambda image: image.id)), others)


def is_picture(path: str) -> bool:
    """Return whether a path's suffix is that of a picture and no part of it is hidden."""
    hidden = any(part.startswith(".") for part in path.split("/"))
    return not hidden and path.lower().endswith(PICTURE_SUFFIXES)
