"""The operator's settings, parsed once from environment variables into a frozen tree."""

import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from pydantic import ValidationError

from tintype_api.constants import (
    ENV_CPU_STANDS_FOR_GPU,
    ENV_LIBRARY,
    ENV_WEIGHTS_LICENCES,
    ENV_WEIGHTS_MIRROR,
    OPERATOR_METRICS_PORT,
    LibraryPage,
)
from tintype_api.sentences import sentence
from tintype_api.spec.run import Storage
from tintype_operator.facts import Key

PullPolicy = Literal["Always", "IfNotPresent", "Never"]

_PREFIX: Final = "TINTYPE_"


class SettingsError(Exception):
    """A setting that is missing or wrong: one sentence that names the variable and what to do."""


@dataclass(frozen=True)
class TrainerSettings:
    """What every training Pod gets.

    Attributes:
        image: TINTYPE_TRAINER_IMAGE, the trainer's image; required.
        pull_policy: TINTYPE_TRAINER_IMAGE_PULL_POLICY, default IfNotPresent.
        pull_secrets: TINTYPE_TRAINER_IMAGE_PULL_SECRETS, a comma between their names: Secrets of each ModelVersion's
            namespace for the image's registry, beside its own; default none.
        runtime_class: TINTYPE_TRAINER_RUNTIME_CLASS, the RuntimeClass of training Pods; default the node's own.
        weights_mirror: TINTYPE_WEIGHTS_MIRROR, which is passed on: where the catalogue's weights are looked for first.
        weights_licences: TINTYPE_WEIGHTS_LICENCES, which is passed on: licences of weights that may be used beyond
            Apache-2.0, MIT and BSD.
        library: TINTYPE_LIBRARY, which is passed on: the page of the library that each publish writes anew, Namespace
            or Output; default none.
        cpu_stands_for_gpu: Whether TINTYPE_TEST_CPU_STANDS_FOR_GPU is set, which is passed on; for tests alone.
    """

    image: str
    pull_policy: PullPolicy = "IfNotPresent"
    pull_secrets: tuple[str, ...] = ()
    runtime_class: str | None = None
    weights_mirror: str | None = None
    weights_licences: str | None = None
    library: LibraryPage | None = None
    cpu_stands_for_gpu: bool = False


@dataclass(frozen=True)
class LeaseSettings:
    """Which of several operators works.

    Attributes:
        place: TINTYPE_LEASE, as `<namespace>/<name>`: the Lease that decides it; required.
        identity: POD_ID, this operator's name in it, under which a restarted one goes on at once; it must be nobody
            else's while this one lives. Default: one that no other process has.
    """

    place: Key
    identity: str


@dataclass(frozen=True)
class HistorySettings:
    """How many ended versions of a model stay, in each namespace. What they have published stays in any case.

    Attributes:
        limit: TINTYPE_HISTORY_LIMIT, the latest that stay; default all.
        keep_best: TINTYPE_HISTORY_KEEP_BEST, whether the one with the best performance indicator stays beyond the
            limit. Default true.
    """

    limit: int | None = None
    keep_best: bool = True


@dataclass(frozen=True)
class NotifySettings:
    """Whom the operator tells that a version has ended.

    Attributes:
        url: TINTYPE_NOTIFY_URL, to which each end is posted; default nobody is told.
        secret: TINTYPE_NOTIFY_SECRET, the key of the signatures; default nothing is signed.
    """

    url: str | None = None
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Settings:
    """All settings.

    Attributes:
        trainer: What every training Pod gets.
        lease: Which of several operators works.
        storage: TINTYPE_STORAGE_ENDPOINT, TINTYPE_STORAGE_REGION and TINTYPE_STORAGE_CREDENTIALS_SECRET: how s3:// is
            reached where a version's own `storage` does not say it. Default: AWS, by the Pod's own credentials.
        history: How many ended versions stay.
        notify: Whom it tells of ends.
        workers: TINTYPE_WORKERS, how many versions are reconciled at once; they wait for the API server most of the
            time, so that many do not hurt. Default 24.
        metrics_port: TINTYPE_METRICS_PORT, the port of /healthz and /metrics. Default 9465.
    """

    trainer: TrainerSettings
    lease: LeaseSettings
    storage: Storage = field(default_factory=Storage)
    history: HistorySettings = field(default_factory=HistorySettings)
    notify: NotifySettings = field(default_factory=NotifySettings)
    workers: int = 24
    metrics_port: int = OPERATOR_METRICS_PORT


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Return the settings; an empty variable counts as absent.

    Raises:
        SettingsError: where a variable is missing or wrong.
    """
    given = {name.removeprefix(_PREFIX): value for name, value in environment.items() if value}
    return Settings(
        trainer=_trainer(given),
        lease=_lease(given),
        storage=_storage(given),
        history=_history(given),
        notify=_notify(given),
        workers=_whole(given, "WORKERS", default=24, most=256),
        metrics_port=_whole(given, "METRICS_PORT", default=OPERATOR_METRICS_PORT, most=65_535),
    )


def _trainer(given: Mapping[str, str]) -> TrainerSettings:
    image = given.get("TRAINER_IMAGE")
    if image is None:
        raise SettingsError(f"{_PREFIX}TRAINER_IMAGE: is required; set it to the trainer's image")
    policy = given.get("TRAINER_IMAGE_PULL_POLICY", "IfNotPresent")
    known = {name: name for name in get_args(PullPolicy)}
    if policy not in known:
        raise SettingsError(f"{_PREFIX}TRAINER_IMAGE_PULL_POLICY: '{policy}' is none of {', '.join(known)}")
    return TrainerSettings(
        image=image,
        pull_policy=known[policy],
        pull_secrets=tuple(filter(None, given.get("TRAINER_IMAGE_PULL_SECRETS", "").split(","))),
        runtime_class=given.get("TRAINER_RUNTIME_CLASS"),
        weights_mirror=given.get(ENV_WEIGHTS_MIRROR.removeprefix(_PREFIX)),
        weights_licences=given.get(ENV_WEIGHTS_LICENCES.removeprefix(_PREFIX)),
        library=_library(given),
        cpu_stands_for_gpu=ENV_CPU_STANDS_FOR_GPU.removeprefix(_PREFIX) in given,
    )


def _library(given: Mapping[str, str]) -> LibraryPage | None:
    page = given.get(ENV_LIBRARY.removeprefix(_PREFIX))
    try:
        return LibraryPage(page) if page else None
    except ValueError as error:
        raise SettingsError(f"{ENV_LIBRARY}: '{page}' is none of {', '.join(LibraryPage)}") from error


def _lease(given: Mapping[str, str]) -> LeaseSettings:
    namespace, _, name = given.get("LEASE", "").partition("/")
    if not namespace or not name:
        raise SettingsError(f"{_PREFIX}LEASE: is required; set it to the Lease's <namespace>/<name>")
    return LeaseSettings(Key(namespace, name), given.get("POD_ID") or f"{socket.gethostname()}_{uuid.uuid4()}")


def _storage(given: Mapping[str, str]) -> Storage:
    fields = {
        "endpoint": "STORAGE_ENDPOINT",
        "region": "STORAGE_REGION",
        "credentialsSecret": "STORAGE_CREDENTIALS_SECRET",
    }
    try:
        return Storage.model_validate({key: given[name] for key, name in fields.items() if name in given})
    except ValidationError as error:
        raise SettingsError(f"{_PREFIX}STORAGE_*: {sentence(error)}") from error


def _history(given: Mapping[str, str]) -> HistorySettings:
    limit = _whole(given, "HISTORY_LIMIT", default=1, most=100_000) if "HISTORY_LIMIT" in given else None
    keep_best = given.get("HISTORY_KEEP_BEST", "true")
    if keep_best not in {"true", "false"}:
        raise SettingsError(f"{_PREFIX}HISTORY_KEEP_BEST: '{keep_best}' is neither true nor false")
    return HistorySettings(limit, keep_best == "true")


def _notify(given: Mapping[str, str]) -> NotifySettings:
    url = given.get("NOTIFY_URL")
    if url is not None and not url.startswith(("http://", "https://")):
        raise SettingsError(f"{_PREFIX}NOTIFY_URL: is no URL of http or https; correct it, or leave it out")
    return NotifySettings(url, given.get("NOTIFY_SECRET"))


def _whole(given: Mapping[str, str], name: str, *, default: int, most: int) -> int:
    text = given.get(name, str(default))
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise SettingsError(f"{_PREFIX}{name}: '{text}' is no whole number from 1 to {most}")
    return int(text)
