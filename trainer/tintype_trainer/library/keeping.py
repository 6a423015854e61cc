"""The library's page in the bucket, written anew by each publish where the operator's settings ask for it.

Of two that publish at once, the one that writes last may have listed first, and so without the other's version. So
whoever has written lists again, and writes once more where other versions are there by now. A page that lacks a version
is thus followed by another: by its own writer's, if the version was published before that one looked again, else by the
version's own. No conditional write is needed, which not every S3 server has.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from tintype_api.constants import ENV_LIBRARY, LibraryPage
from tintype_api.errors import UserError, environment_error, output_taken, storage_unreachable
from tintype_api.modelversion import ModelVersion
from tintype_api.status import Artifacts
from tintype_trainer.library.address import relative_address
from tintype_trainer.library.entries import models_of
from tintype_trainer.library.finding import Found, find
from tintype_trainer.library.page import GENERATOR, library_page
from tintype_trainer.library.reading import read_versions
from tintype_trainer.reporting.journal import Journal
from tintype_trainer.sentences import counted, first_line
from tintype_trainer.storage import ObjectInfo, Store, as_folder, join

PAGE: Final = "index.html"
SENTENCE_LENGTH: Final = 1024
LIMIT_S: Final = 60.0
"""A GPU waits meanwhile. 1,000 versions take 2.3 s from a server on this machine, 10 s where a request takes 20 ms."""


def keep_library(
    version: ModelVersion,
    artifacts: Artifacts,
    store: Store,
    journal: Journal,
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Write the page anew that a published version stands on, if one is asked for.

    A version is worth more than a page: whatever goes wrong is a sentence in status and in the log.

    Args:
        version: Resolved.
        artifacts: What was published of it.
        store: Storage of the run.
        journal: Who is told.
        environment: Whose ENV_LIBRARY says which page.
    """
    asked = environment.get(ENV_LIBRARY)
    if not asked:
        return
    try:
        prefix = _prefix(version, asked)
        count = write_page(prefix, store, _Limit())
    except Exception as error:  # noqa: BLE001  # nothing about the page is worth losing the version for
        why = error.message if isinstance(error, UserError) else f"{type(error).__name__}: {first_line(error)}"
        said = f"the page of the library was not written anew and may lack this version: {why}"[:SENTENCE_LENGTH]
        journal.note(f"warning: {said}")
        journal.update(urgent=True, artifacts=artifacts.model_copy(update={"not_listed": said}))
    else:
        journal.note(f"{join(prefix, PAGE)} has {counted(count, 'version')} now")


def write_page(prefix: str, store: Store, check: Callable[[], None]) -> int:
    """Write the page of all versions below a folder or prefix (with its final slash); return how many they are.

    Raises:
        UserError: where it cannot be listed or written, or another's page stands in its place.
    """
    uri = join(prefix, PAGE)
    _leave_others_alone(uri, store)
    found = _found(prefix, store, check)
    while True:
        versions = read_versions(prefix, found, store, check)
        page = library_page(
            models_of(versions), prefix, datetime.now(UTC), lambda report: relative_address(uri, report)
        )
        store.write(uri, page)
        before, found = found, _found(prefix, store, check)
        if _published(found) == _published(before):
            return len(versions)


class _Limit:
    """Ends what takes too long, at the next call."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self._began > LIMIT_S:
            raise storage_unreachable(
                f"reading all of them takes longer than {LIMIT_S:.0f} s; set library.page of the chart to Namespace, "
                "or to nothing and run `tintype library` at times"
            )


def _prefix(version: ModelVersion, asked: str) -> str:
    output = version.spec.output.uri
    match asked:
        case LibraryPage.NAMESPACE:
            return as_folder(join(output, version.metadata.namespace))
        case LibraryPage.OUTPUT:
            return as_folder(output)
    raise environment_error(f"{ENV_LIBRARY}: '{asked}' is none of {', '.join(LibraryPage)}")


def _leave_others_alone(uri: str, store: Store) -> None:
    content = store.read_or_none(uri)
    if content is not None and GENERATOR.encode() not in content:
        raise output_taken(f"{uri} is another's page, and is left as it is; move it, or choose another library.page")


def _found(prefix: str, store: Store, check: Callable[[], None]) -> Found:
    def checked() -> Iterator[ObjectInfo]:
        for each in store.list(prefix):
            check()
            yield each

    return find(checked(), prefix)


def _published(found: Found) -> set[tuple[str, datetime | None]]:
    """Return what tells one publish from another."""
    places, _ = found
    return {(place.folder, place.manifest.modified) for place in places if place.manifest is not None}
