"""What a published version is applied to: pictures by name, from arguments, folders, prefixes or a stream of names."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from tintype_api.errors import not_found
from tintype_trainer.datasets.dataset import Example, Region, Split
from tintype_trainer.datasets.folders import is_picture
from tintype_trainer.storage import Store, as_uri, is_folder, join, relative_path


@dataclass(frozen=True, slots=True)
class Wanted:
    """One picture, or one region of it, to be looked at.

    Attributes:
        id: How it is called in the answer.
        uri: Where the picture is.
        region: What is cropped of it; None: the whole picture.
    """

    id: str
    uri: str
    region: Region | None = None

    def as_example(self) -> Example:
        """Return it as an example of which nothing is annotated."""
        return Example(self.id, self.uri, Split.TEST, (), region=self.region)


def wanted_pictures(places: Iterable[str], names: TextIO, store: Store) -> Iterator[Wanted]:
    """Yield the pictures that arguments name, one by one: paths, URIs, folders, and `-` for lines of `names`.

    A folder's pictures come in the order of their names. Nothing is held but one folder's listing.

    Raises:
        UserError: exit 66 for a folder without pictures, or that cannot be listed.
    """
    for place in places:
        if place == "-":
            lines = (line.strip() for line in names)
            yield from (Wanted(line, as_uri(line)) for line in lines if line)
        elif is_folder(place) or ("://" not in place and Path(place).is_dir()):
            yield from _of_folder(as_uri(place).rstrip("/") + "/", store)
        else:
            yield Wanted(place, as_uri(place))


def _of_folder(uri: str, store: Store) -> Iterator[Wanted]:
    names = sorted(relative_path(uri, found.uri) for found in store.list(uri))
    pictures = [name for name in names if is_picture(name)]
    if not pictures:
        raise not_found(f"{uri} holds no pictures; name a folder that does, or the pictures themselves")
    for name in pictures:
        yield Wanted(name, join(uri, name))
