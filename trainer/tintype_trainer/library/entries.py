"""What the library knows of models and versions, and how it orders them. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from tintype_trainer.library.changes import OptionChange, option_changes

LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
UNREAD: Final = "unread"
"""Stands for the model of versions whose files could not be read."""
_DIGITS: Final = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Indicator:
    """The performance indicator of a version.

    Attributes:
        name: Such as accuracy.
        value: On the validation set.
        lower: End of its 95 % interval, where it has one.
        upper: The other end.
        test: The same on the test set, where there is one.
    """

    name: str
    value: float
    lower: float | None = None
    upper: float | None = None
    test: float | None = None


@dataclass(frozen=True, slots=True)
class Training:
    """How long a version was trained.

    Attributes:
        seconds: Over all epochs, their validation included.
        epochs: Done.
        planned: Asked for; None where the length was given in iterations.
    """

    seconds: float
    epochs: float
    planned: float | None


@dataclass(frozen=True, slots=True)
class Version:
    """One version.

    Attributes:
        name: Its name.
        namespace: Its namespace.
        uri: Its folder.
        model: Digest of its model.
        view: Name of its view.
        view_type: Type of its view.
        concepts: In the order of the network's outputs.
        spec: As it was resolved, in the words of the resource.
        published: Whether it has a manifest.
        modified: When its manifest, else its newest file, was written.
        fault: Why it cannot be read, as a sentence; most of the others are empty then.
        indicator: Of the best epoch.
        dataset_uri: Of its data set.
        dataset_digest: Of the frozen examples.
        training: How long it was trained.
        report: Address of its report, or None.
        aliases: Such as "production", that name it.
        changes: Options that differ from the version before.
    """

    name: str
    namespace: str
    uri: str
    model: str = UNREAD
    view: str = ""
    view_type: str = ""
    concepts: Sequence[str] = ()
    spec: dict[str, Any] | None = None
    published: bool = False
    modified: datetime | None = None
    fault: str | None = None
    indicator: Indicator | None = None
    dataset_uri: str = ""
    dataset_digest: str | None = None
    training: Training | None = None
    report: str | None = None
    aliases: Sequence[str] = ()
    changes: Sequence[OptionChange] | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """One model with its versions, the oldest first.

    Attributes:
        digest: Of view and concepts.
        versions: At least one.
    """

    digest: str
    versions: Sequence[Version]

    @property
    def best(self) -> Version | None:
        """The published version with the highest indicator, of equal ones the earliest."""
        measured = [version for version in self.versions if version.published and version.indicator]
        return max(measured, key=lambda version: version.indicator.value if version.indicator else 0.0, default=None)


def models_of(versions: Iterable[Version]) -> list[Model]:
    """Return models by the name of their view, each version with what changed against the one before it."""
    by_model: dict[str, list[Version]] = defaultdict(list)
    for version in versions:
        by_model[version.model].append(version)
    models = [Model(digest, _with_changes(sorted(of, key=_age))) for digest, of in by_model.items()]
    return sorted(models, key=lambda model: (model.digest == UNREAD, model.versions[0].view, model.digest))


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """Return a key that puts bottles-2 before bottles-10."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in _DIGITS.split(name) if part)


def _age(version: Version) -> tuple[object, ...]:
    return version.modified or LONG_AGO, version.namespace, natural(version.name)


def _with_changes(versions: Sequence[Version]) -> list[Version]:
    changed, before = [], None
    for version in versions:
        changes = None
        if before is not None and before.spec is not None and version.spec is not None:
            changes = option_changes(before.spec, version.spec, examples_differ=_examples_differ(before, version))
        changed.append(replace(version, changes=changes))
        before = version if version.spec is not None else before
    return changed


def _examples_differ(before: Version, now: Version) -> bool:
    digests = before.dataset_digest, now.dataset_digest
    return None not in digests and digests[0] != digests[1]
