"""What the watches have told, in small facts: one store for each kind, and all of them together.

Watches tell of each object in order, but of different objects and kinds in any order, answers to our own writes come
in between, and nobody tells what vanished while a watch was broken. So a store takes an object only if it is newer than
what it has, remembers which uids have gone, and is compared with a list where a watch cannot go on (`Store.settle`).
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Generic, Protocol, TypeVar

from tintype_operator.facts import JobFacts, Key, PodFacts, RefusalFacts, VersionFacts, WorkloadFacts

_REMEMBERED_DELETIONS: Final = 10_000


class Fact(Protocol):
    """What every kind of facts has."""

    @property
    def key(self) -> Key:
        """Namespace and name."""
        ...

    @property
    def uid(self) -> str:
        """metadata.uid."""
        ...

    @property
    def resource_version(self) -> int:
        """metadata.resourceVersion as a number."""
        ...


F = TypeVar("F", bound=Fact)


class Store(Generic[F]):
    """The facts of one kind by namespace and name, and by their owner: the ModelVersion to which they belong."""

    def __init__(self, owner: Callable[[F], Key]) -> None:
        self.owner = owner
        self._facts: dict[Key, F] = {}
        self._of_owner: dict[Key, dict[Key, F]] = {}
        self._gone: OrderedDict[str, None] = OrderedDict()

    def __iter__(self) -> Iterator[F]:
        return iter(tuple(self._facts.values()))

    def __len__(self) -> int:
        return len(self._facts)

    def get(self, key: Key) -> F | None:
        """Return the facts of an object, if it is known."""
        return self._facts.get(key)

    def of(self, owner: Key) -> tuple[F, ...]:
        """Return the facts that belong to a ModelVersion."""
        return tuple(self._of_owner.get(owner, {}).values())

    def put(self, facts: F) -> bool:
        """Take facts if they are news; return whether they are."""
        known = self._facts.get(facts.key)
        if facts.uid in self._gone or (known is not None and known.resource_version >= facts.resource_version):
            return False
        if known is not None:
            self._drop(known)
        self._facts[facts.key] = facts
        self._of_owner.setdefault(self.owner(facts), {})[facts.key] = facts
        return True

    def remove(self, key: Key, uid: str) -> bool:
        """Forget an object that has gone; return whether it was known."""
        self._gone[uid] = None
        while len(self._gone) > _REMEMBERED_DELETIONS:
            self._gone.popitem(last=False)
        known = self._facts.get(key)
        if known is None or known.uid != uid:
            return False
        self._drop(known)
        return True

    def settle(self, listed: Iterable[F], resource_version: int, namespace: str | None = None) -> list[F]:
        """Take a whole list of a namespace, or of all, as it was at a resource version; return all that changed."""
        uids, changed = set(), []
        for facts in listed:
            uids.add(facts.uid)
            if self.put(facts):
                changed.append(facts)
        for known in self:
            inside = namespace in {None, known.key.namespace}
            if inside and known.uid not in uids and known.resource_version <= resource_version:
                self.remove(known.key, known.uid)
                changed.append(known)
        return changed

    def _drop(self, facts: F) -> None:
        del self._facts[facts.key]
        owner = self.owner(facts)
        group = self._of_owner[owner]
        del group[facts.key]
        if not group:
            del self._of_owner[owner]


class VersionStore(Store[VersionFacts]):
    """The facts of ModelVersions, by their model, too."""

    def __init__(self) -> None:
        super().__init__(version_of_version)
        self._of_model: dict[tuple[str, str], dict[Key, VersionFacts]] = {}

    def of_model(self, namespace: str, model: str) -> tuple[VersionFacts, ...]:
        """Return the versions of a model in a namespace."""
        return tuple(self._of_model.get((namespace, model), {}).values())

    def put(self, facts: VersionFacts) -> bool:
        """Take facts if they are news; return whether they are."""
        news = super().put(facts)
        if news and facts.status.model is not None:
            self._of_model.setdefault((facts.key.namespace, facts.status.model), {})[facts.key] = facts
        return news

    def _drop(self, facts: VersionFacts) -> None:
        super()._drop(facts)
        model = (facts.key.namespace, facts.status.model or "")
        group = self._of_model.get(model, {})
        group.pop(facts.key, None)
        if not group:
            self._of_model.pop(model, None)


def version_of_version(version: VersionFacts) -> Key:
    """Return the ModelVersion itself."""
    return version.key


def version_of_job(job: JobFacts) -> Key:
    """Return the ModelVersion that a Job belongs to."""
    return Key(job.key.namespace, job.version)


def version_of_pod(pod: PodFacts) -> Key:
    """Return the ModelVersion that a Pod belongs to."""
    return Key(pod.key.namespace, pod.version)


def job_of_refusal(refusal: RefusalFacts) -> Key:
    """Return the Job that a refused Pod belongs to; the Event does not know the ModelVersion."""
    return refusal.job


def job_of_workload(workload: WorkloadFacts) -> Key:
    """Return the Job that a Workload is of; the Workload does not know the ModelVersion."""
    return workload.job


@dataclass(frozen=True)
class Caches:
    """All stores."""

    versions: VersionStore = field(default_factory=VersionStore)
    jobs: Store[JobFacts] = field(default_factory=lambda: Store(version_of_job))
    pods: Store[PodFacts] = field(default_factory=lambda: Store(version_of_pod))
    refusals: Store[RefusalFacts] = field(default_factory=lambda: Store(job_of_refusal))
    workloads: Store[WorkloadFacts] = field(default_factory=lambda: Store(job_of_workload))

    def refusals_of(self, jobs: Iterable[JobFacts]) -> tuple[RefusalFacts, ...]:
        """Return the Pods of these Jobs that the API server did not take."""
        return tuple(refusal for job in jobs for refusal in self.refusals.of(job.key))

    def workloads_of(self, jobs: Iterable[JobFacts]) -> tuple[WorkloadFacts, ...]:
        """Return what queues know of these Jobs."""
        return tuple(workload for job in jobs for workload in self.workloads.of(job.key))
