"""Which folders of a listing hold versions, and which of its files are aliases. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeAlias

from tintype_trainer.output.manifest import MANIFEST
from tintype_trainer.output.publishing import MODELVERSION_FILE_NAME
from tintype_trainer.storage import ObjectInfo, relative_path

_RUN: Final = re.compile(rf"(?P<folder>(?:.*/)?)runs/[^/]+/{re.escape(MODELVERSION_FILE_NAME)}")
_MANIFEST: Final = re.compile(rf"(?P<folder>(?:.*/)?){re.escape(MANIFEST)}")
_ALIAS: Final = re.compile(r"(?P<folder>(?:.*/)?)aliases/(?P<model>[^/]+)/(?P<alias>[^/]+)/(?P<number>\d+)\.json")


@dataclass(slots=True)
class Place:
    """A folder that holds a version.

    Attributes:
        folder: Below the prefix, with a final slash; empty where the prefix is the version's own folder.
        manifest: Its manifest.json; None where nothing is published.
        runs: The modelversion.json of each run that has begun.
    """

    folder: str
    manifest: ObjectInfo | None = None
    runs: list[ObjectInfo] = field(default_factory=list)

    @property
    def modified(self) -> datetime | None:
        """When it was published, else when the newest run began."""
        if self.manifest is not None:
            return self.manifest.modified
        return max((run.modified for run in self.runs if run.modified), default=None)


@dataclass(frozen=True, slots=True)
class AliasFile:
    """The latest promotion of an alias.

    Attributes:
        folder: The namespace's, below the prefix, with a final slash.
        model: Digest of the model.
        alias: Its name.
        number: How many promotions there were.
        uri: Of the file.
    """

    folder: str
    model: str
    alias: str
    number: int
    uri: str


Found: TypeAlias = tuple[Sequence[Place], Sequence[AliasFile]]


def find(listing: Iterable[ObjectInfo], prefix: str) -> Found:
    """Return the versions and the aliases among the objects below a prefix (with its final slash)."""
    places: dict[str, Place] = {}
    aliases: dict[tuple[str, str, str], AliasFile] = {}
    for found in listing:
        path = relative_path(prefix, found.uri)
        if run := _RUN.fullmatch(path):
            places.setdefault(run["folder"], Place(run["folder"])).runs.append(found)
        elif alias := _ALIAS.fullmatch(path):
            newer = AliasFile(alias["folder"], alias["model"], alias["alias"], int(alias["number"]), found.uri)
            key = newer.folder, newer.model, newer.alias
            if key not in aliases or aliases[key].number < newer.number:
                aliases[key] = newer
        elif (manifest := _MANIFEST.fullmatch(path)) and "/runs/" not in f"/{path}":
            places.setdefault(manifest["folder"], Place(manifest["folder"])).manifest = found
    return list(places.values()), list(aliases.values())
