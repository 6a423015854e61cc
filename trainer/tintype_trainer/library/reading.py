"""Reads the versions below a folder or prefix, published or not."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Final

from tintype_api.constants import REPORT_FILE
from tintype_api.errors import UserError
from tintype_api.modelversion import model_digest
from tintype_api.spec import ModelVersionSpec
from tintype_trainer.library.entries import LONG_AGO, Indicator, Training, Version
from tintype_trainer.library.finding import AliasFile, Found, Place, find
from tintype_trainer.output.manifest import EVALUATION_FILE, METRICS_FILE, MODEL_FILE, ManifestFile
from tintype_trainer.output.publishing import MODELVERSION_FILE_NAME
from tintype_trainer.storage import Store, join, parent
from tintype_trainer.use.files import manifest_of, verified

READERS: Final = 16
"""Most of the time is spent waiting for storage."""


def read_library(prefix: str, store: Store) -> list[Version]:
    """Return every version below a folder or prefix (with its final slash), in no particular order.

    One whose files cannot be read has a sentence that says why, and hides no other.

    Raises:
        UserError: where the prefix itself cannot be listed.
    """
    return read_versions(prefix, find(store.list(prefix), prefix), store, check=lambda: None)


def read_versions(prefix: str, found: Found, store: Store, check: Callable[[], None]) -> list[Version]:
    """Return every version that was found below a folder or prefix (with its final slash), in no particular order.

    Args:
        prefix: Folder or prefix.
        found: Below it.
        store: Storage.
        check: Called before each version is read, from several threads; what it raises ends the reading.
    """
    places, alias_files = found

    def read(place: Place) -> Version:
        check()
        return _version(prefix, place, store)

    with ThreadPoolExecutor(READERS, thread_name_prefix="library") as readers:
        versions = list(readers.map(read, places))
        promoted = list(readers.map(lambda alias: _promoted(alias, store), alias_files))
    aliases = list(zip(alias_files, promoted, strict=True))
    return [replace(version, aliases=_aliases_of(version, prefix, aliases)) for version in versions]


def _version(prefix: str, place: Place, store: Store) -> Version:
    uri = join(prefix, place.folder).rstrip("/")
    *_, namespace, name = uri.rpartition("://")[2].split("/")
    unread = Version(name=name, namespace=namespace, uri=uri, modified=place.modified)
    try:
        return _published(unread, store) if place.manifest is not None else _unfinished(unread, place, store)
    except UserError as error:
        return replace(unread, fault=error.message)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return replace(
            unread, fault=f"{uri} holds files that are not as tintype writes them; publish the version again"
        )


def _published(unread: Version, store: Store) -> Version:
    manifest = manifest_of(unread.uri, store)
    files = {file.name: file for file in manifest.files}

    def read(name: str) -> bytes:
        return verified(unread.uri, files, name, store)

    card = json.loads(read(MODEL_FILE))
    spec = json.loads(read(MODELVERSION_FILE_NAME))["spec"]
    best = card["best"]
    return replace(
        _of_spec(unread, spec),
        name=manifest.name,
        namespace=manifest.namespace,
        model=str(card["model"]),
        published=True,
        indicator=_indicator(best, json.loads(read(EVALUATION_FILE))),
        dataset_digest=manifest.dataset_digest,
        training=_training([json.loads(line) for line in read(METRICS_FILE).splitlines()], spec),
        report=_report(unread.uri, files),
    )


def _unfinished(unread: Version, place: Place, store: Store) -> Version:
    """Return a version that a run has begun and none has published; the newest run says what it is."""
    newest = max(place.runs, key=lambda run: run.modified or LONG_AGO)
    document = json.loads(store.read(newest.uri))
    metadata, spec = document["metadata"], document["spec"]
    return replace(
        _of_spec(unread, spec),
        name=metadata["name"],
        namespace=metadata.get("namespace", unread.namespace),
        model=model_digest(ModelVersionSpec.model_validate(spec)),
    )


def _of_spec(version: Version, spec: dict[str, Any]) -> Version:
    """Return the version with what its spec says; whatever is no text or number raises, and so is told as a fault."""
    view = spec["view"]
    return replace(
        version,
        view=str(view["name"]),
        view_type=str(view["type"]),
        concepts=tuple(str(concept) for concept in spec["concepts"]),
        dataset_uri=str(spec["dataset"]["uri"]),
        spec=spec,
    )


def _indicator(best: Mapping[str, Any], evaluation: Mapping[str, Any]) -> Indicator | None:
    value, name = best.get("performanceIndicator"), best.get("performanceIndicatorName")
    if value is None or name is None:
        return None
    interval = (evaluation.get("validation") or {}).get(f"{name}Interval") or {}
    ends = [_number(interval[end]) for end in ("lower", "upper") if interval.get(end) is not None]
    lower, upper = ends if len(ends) == 2 else (None, None)
    test = (evaluation.get("test") or {}).get(name)
    return Indicator(str(name), _number(value), lower, upper, None if test is None else _number(test))


def _training(epochs: Sequence[Mapping[str, Any]], spec: Mapping[str, Any]) -> Training | None:
    if not epochs:
        return None
    seconds = sum(_number(epoch["seconds"]) for epoch in epochs)
    planned = (spec.get("training") or {}).get("epochs")
    return Training(seconds, _number(epochs[-1]["epoch"]), None if planned is None else _number(planned))


def _number(value: object) -> float:
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    raise ValueError(f"{value!r} is no number")


def _report(uri: str, files: Mapping[str, ManifestFile]) -> str | None:
    report = files.get(REPORT_FILE)
    return join(uri, report.path) if report else None


def _promoted(alias: AliasFile, store: Store) -> str | None:
    """Return the name of the version that an alias names; None where the file is none of a promotion."""
    try:
        return str(json.loads(store.read(alias.uri))["version"])
    except (UserError, ValueError, KeyError, TypeError):
        return None


def _aliases_of(version: Version, prefix: str, aliases: Sequence[tuple[AliasFile, str | None]]) -> Sequence[str]:
    folder = parent(version.uri)
    return sorted(
        alias.alias
        for alias, name in aliases
        if (alias.model, name) == (version.model, version.name) and join(prefix, alias.folder).rstrip("/") == folder
    )
