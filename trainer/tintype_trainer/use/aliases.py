"""Aliases of a model, such as "production": which of its versions is meant.

`<output.uri>/<namespace>/aliases/<model>/<alias>/<number>.json` names a version; the highest number counts. Each
promotion creates the next number, and only where there is none yet, so that of two at once one is told that it came
second, and every earlier promotion can still be read. An alias is named `<folder of any version of the model>@<alias>`.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tintype_api.errors import invalid_spec, not_found, output_taken
from tintype_trainer.storage import Store, as_uri, join, parent
from tintype_trainer.use.published import PublishedVersion, open_published

ALIAS: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?")
_WITH_ALIAS: Final = re.compile(rf"(?P<uri>.+)@(?P<alias>{ALIAS.pattern})")


@dataclass(frozen=True, slots=True)
class Promoted:
    """What an alias names.

    Attributes:
        name: Name of the version.
        number: How many promotions there were, this one included.
    """

    name: str
    number: int


def open_version(place: str, store: Store) -> PublishedVersion:
    """Return the published version of a folder, by path or URI, or of `<folder>@<alias>`.

    Raises:
        UserError: exit 66 where there is no such version or alias.
    """
    named = _WITH_ALIAS.fullmatch(place)
    if named is None:
        return open_published(as_uri(place), store)
    of_model = open_published(as_uri(named["uri"]), store)
    promoted = current(of_model, named["alias"], store)
    if promoted is None:
        raise not_found(
            f"{place}: the model of {of_model.name} has no alias '{named['alias']}'; make it with "
            f"`tintype promote {of_model.uri} {named['alias']}`"
        )
    return open_published(join(parent(of_model.uri), promoted.name), store)


def promote(published: PublishedVersion, alias: str, store: Store, now: datetime | None = None) -> Promoted | None:
    """Make an alias of the model name this version; return what it named before.

    Raises:
        UserError: exit 64 for a name that cannot be, 66 where another promotion came first.
    """
    if not ALIAS.fullmatch(alias):
        raise invalid_spec(f"alias '{alias}': give it small letters, digits and dashes, at most 52 of them")
    before = current(published, alias, store)
    number = before.number + 1 if before else 1
    document = {
        "model": published.model,
        "alias": alias,
        "version": published.name,
        "uri": published.uri,
        "promoted": (now or datetime.now(UTC)).isoformat(timespec="seconds"),
    }
    if not store.create(_place(published, alias, number), json.dumps(document, indent=2).encode() + b"\n"):
        raise output_taken(f"alias '{alias}': another promotion came first; look at it and promote again if need be")
    return before


def current(published: PublishedVersion, alias: str, store: Store) -> Promoted | None:
    """Return what an alias of the version's model names; None where there is no such alias."""
    number = 0
    while store.head(_place(published, alias, number + 1)) is not None:
        number += 1
    if not number:
        return None
    return Promoted(json.loads(store.read(_place(published, alias, number)))["version"], number)


def _place(published: PublishedVersion, alias: str, number: int) -> str:
    return join(parent(published.uri), "aliases", published.model, alias, f"{number}.json")
