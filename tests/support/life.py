"""A small world of one version: an API server, a Job controller, a kubelet, a trainer, a user, and the operator.

Everything but the operator's decisions is a sketch: enough that whatever may happen to a version happens in some order.
What the operator has seen of Jobs and of Pods may be older than what is, each kind by itself.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from support.modelversions import modelversion
from tintype_api.constants import ANNOTATION_INDEX, OPERATOR_STATUS_FIELDS, TERMINAL_PHASES
from tintype_api.spec.run import Storage
from tintype_operator.attempt import is_lost
from tintype_operator.decide import decide
from tintype_operator.decisions import CreateJob, Facts, LookUpJob, LookUpPods, LookUpQueue, Rest, Settle
from tintype_operator.facts import JobFacts, PodFacts, VersionFacts
from tintype_operator.observe import observe_job, observe_pod, observe_version

Object = dict[str, Any]

GRACE = timedelta(seconds=30)
NEVER = datetime.max.replace(tzinfo=UTC)
LABELS = {"tintype.dev/modelversion": "bottles-1"}


@dataclass
class World:
    """One version and what belongs to it; `chance` chooses what happens next, `changes` are to its spec."""

    chance: random.Random
    queue: bool = False
    preflight: str = "Never"
    nodes: int = 1
    changes: dict[str, Any] = field(default_factory=dict)
    clock: datetime = field(default_factory=lambda: datetime.fromisoformat("2026-11-24T12:00:00+00:00"))
    jobs: list[Object] = field(default_factory=list)
    pods: list[Object] = field(default_factory=list)
    seen_jobs: list[JobFacts] = field(default_factory=list)
    seen_pods: list[PodFacts] = field(default_factory=list)
    seen_version: VersionFacts | None = None
    news: bool = True
    due: datetime = NEVER
    meddled: bool = False
    silent: set[str] = field(default_factory=set)
    transitions: set[tuple[str, str]] = field(default_factory=set)
    made: int = 0
    mishaps: float = 0.03

    def __post_init__(self) -> None:
        policy = {"backoffLimit": 2, "maxInterruptions": 4, "preflight": self.preflight}
        policy |= {"queueName": "team"} if self.queue else {}
        compute = {"spec.compute": {"nodes": self.nodes}}
        self.version = modelversion({"spec.runPolicy": policy} | compute | self.changes)
        self.version["metadata"] |= {"namespace": "team-a", "uid": "version-uid", "generation": 1}
        self.version["metadata"] |= {"creationTimestamp": self.now, "resourceVersion": "1"}

    @property
    def now(self) -> str:
        return self.clock.strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def status(self) -> Object:
        status: Object = self.version.setdefault("status", {})
        return status

    @property
    def phase(self) -> str:
        return str(self.status.get("phase", ""))

    @property
    def ended(self) -> bool:
        return self.phase in list(TERMINAL_PHASES)

    @property
    def policy(self) -> Object:
        policy: Object = self.version["spec"]["runPolicy"]
        return policy

    def running(self) -> list[Object]:
        """Return the Pods that have not ended, but for those of nodes that do not answer."""
        return [pod for pod in self.unfinished() if not is_lost(observe_pod(pod), self.now)]

    def unfinished(self) -> list[Object]:
        return [pod for pod in self.pods if pod["status"]["phase"] not in {"Succeeded", "Failed"}]

    def look(self, *, jobs: bool = True, pods: bool = True) -> None:
        """Let the operator hear what the watches have to tell."""
        before = {*self.seen_jobs, *self.seen_pods}
        self.seen_jobs = [observe_job(job) for job in self.jobs] if jobs else self.seen_jobs
        self.seen_pods = [observe_pod(pod) for pod in self.pods] if pods else self.seen_pods
        self.news |= before != {*self.seen_jobs, *self.seen_pods}

    def operate(self) -> None:
        """Be the operator until nothing follows any more, if there is news, or time for what it has put off."""
        if not self.news and self.clock < self.due and observe_version(self.version) == self.seen_version:
            return
        for _ in range(20):
            settle = self._decide()
            if settle is None or not self._carry_out(settle):
                self._rest(settle)
                return
        raise AssertionError(f"the operator does not come to rest in {self.status}")

    def _rest(self, settle: Settle | None) -> None:
        self.news, self.seen_version = False, observe_version(self.version)
        again_in_s = settle.again_in_s if settle is not None else None
        self.due = NEVER if again_in_s is None else self.clock + timedelta(seconds=again_in_s)
        if settle is not None and settle.again:
            self.due = self.clock

    def _decide(self) -> Settle | None:
        facts = Facts(observe_version(self.version), tuple(self.seen_jobs), tuple(self.seen_pods))
        for _ in range(6):
            match decide(facts, Storage(), self.now):
                case Settle() as settle:
                    return settle
                case Rest():
                    return None
                case LookUpJob():
                    found = [job for job in self.jobs if job["metadata"]["uid"] == self.status["job"]["uid"]]
                    facts = facts.with_job(observe_job(found[0])) if found else replace(facts, job_is_gone=True)
                case LookUpPods() as step:
                    found = [pod for pod in self.pods if _job_uid(pod) == step.job.uid]
                    uids = {pod["metadata"]["uid"] for pod in found}
                    known = (pod for pod in facts.pods if pod.job_uid != step.job.uid or pod.finished)
                    others = (pod for pod in known if pod.uid not in uids)
                    facts = replace(facts, pods=(*others, *map(observe_pod, found)), pods_looked_up=True)
                case LookUpQueue():
                    facts = replace(facts, queue_looked_up=True)
                case CreateJob() as step:
                    facts = facts.with_job(observe_job(self._create(step)))
        raise AssertionError("no decision")

    def _create(self, step: CreateJob) -> Object:
        assert step.name not in [job["metadata"]["name"] for job in self.jobs]
        self.made += 1
        owner = {"kind": "ModelVersion", "name": "bottles-1", "uid": "version-uid", "controller": True}
        labels = LABELS | ({"kueue.x-k8s.io/queue-name": "team"} if self.queue else {})
        metadata: Object = {"name": step.name, "namespace": "team-a", "uid": f"job-{self.made}", "labels": labels}
        spec = {"backoffLimit": step.backoff_limit, "suspend": self.queue}
        spec |= {"completions": self.nodes} if step.is_group else {}
        job: Object = {"metadata": metadata | {"ownerReferences": [owner]}, "spec": spec, "status": {"failed": 0}}
        self.jobs.append(job)
        self._answer(job)
        return job

    def _answer(self, job: Object) -> None:
        """Let the operator see a Job that it has just written, as it is by now."""
        others = [one for one in self.seen_jobs if one.uid != job["metadata"]["uid"]]
        self.seen_jobs = others + ([observe_job(job)] if job in self.jobs else [])

    def _carry_out(self, settle: Settle) -> bool:
        own = {name: self.status[name] for name in OPERATOR_STATUS_FIELDS if name in self.status}
        wanted = settle.status.to_wire()
        if own != wanted:
            before = self.phase
            for name in own:
                del self.status[name]
            self.status.update(wanted)
            self.transitions |= {(before, self.phase)} if before != self.phase else set()
        if self.chance.random() < self.mishaps:
            return True  # the API server does not answer, or the operator starts anew
        for uid in (job.uid for job in settle.delete):
            self._write(uid, self._remove)
        if settle.delete_after_pods is not None:
            self._write(settle.delete_after_pods.uid, self.delete)
        if settle.patch is not None:
            fields = {"backoffLimit": settle.patch.backoff_limit, "ttlSecondsAfterFinished": settle.patch.ttl_seconds}
            given = {name: value for name, value in fields.items() if value is not None}
            self._write(settle.patch.job.uid, lambda job: job["spec"].update(given))
        return own != wanted or bool(settle.patch or settle.delete or settle.delete_after_pods)

    def _write(self, uid: str, change: Callable[[Object], None]) -> None:
        """Change a Job, and let the operator see what came of that: it may be gone."""
        for job in [job for job in self.jobs if job["metadata"]["uid"] == uid]:
            change(job)
            self._answer(job)
        if uid not in [job["metadata"]["uid"] for job in self.jobs]:
            self.seen_jobs = [job for job in self.seen_jobs if job.uid != uid]

    def _remove(self, job: Object) -> None:
        """Delete a Job in the background."""
        self.jobs.remove(job)
        self._delete_pods(job)

    def delete(self, job: Object) -> None:
        """Delete a Job in the foreground."""
        job["metadata"].setdefault("deletionTimestamp", self.now)
        self._delete_pods(job)

    def _delete_pods(self, job: Object) -> None:
        for pod in self.pods_of(job):
            self.delete_pod(pod)

    def delete_pod(self, pod: Object) -> None:
        ends_by = (self.clock + GRACE).strftime("%Y-%m-%dT%H:%M:%SZ")
        pod["metadata"].setdefault("deletionTimestamp", ends_by)

    def pods_of(self, job: Object) -> list[Object]:
        return [pod for pod in self.pods if _job_uid(pod) == job["metadata"]["uid"]]

    def happen(self) -> None:
        """Let something happen that is not the operator's doing."""
        events = (
            (8, self.control_jobs),
            (6, self.start_pod),
            (6, self.report),
            (4, self.end_pod),
            (6, self.collect_garbage),
            (3, self.pass_time),
            (1, self.evict),
            (0.5, self.drain_unseen),
            (1, self.lose_node),
            (1, self.ask_suspend),
            (0.2, self.ask_stop),
            (0.1, self.ask_limits),
            (0.05, self.delete_by_hand),
            (0.05, self.clean_up),
            (2 if self.queue else 0, self.be_the_queue),
        )
        weights, actions = zip(*events, strict=True)
        self.clock += timedelta(seconds=1)
        self.chance.choices(actions, weights)[0]()

    def control_jobs(self) -> None:
        """Be the Job controller."""
        for job in self.jobs:
            status, pods = job["status"], self.pods_of(job)
            if _has(job, "Failed") or _has(job, "Complete"):
                continue
            if "completions" in job["spec"]:
                self._control_group(job, pods)
                continue
            if "deletionTimestamp" in job["metadata"]:
                continue
            self._count(job, pods)
            active = [pod for pod in pods if pod in self.unfinished()]
            if "conditions" not in status and not active and not job["spec"]["suspend"]:
                self._make_pod(job)

    def _count(self, job: Object, pods: list[Object]) -> None:
        status = job["status"]
        for pod in pods:
            ended = pod["status"].get("containerStatuses", [{}])[0].get("state", {}).get("terminated")
            if ended is None or pod["metadata"].get("counted"):
                continue
            pod["metadata"]["counted"] = True
            code, disrupted = ended["exitCode"], pod["status"]["conditions"]
            if code == 0:
                status["conditions"] = [{"type": "Complete", "status": "True"}]
            elif disrupted or code == 75:
                continue
            elif code == 65:
                status["failed"] += 1
                status["conditions"] = [{"type": "Failed", "status": "True", "reason": "PodFailurePolicy"}]
            else:
                status["failed"] += 1
                if status["failed"] > job["spec"]["backoffLimit"]:
                    status["conditions"] = [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]

    def _control_group(self, job: Object, pods: list[Object]) -> None:
        """Be the controller of an Indexed Job without a backoffLimit: one failure ends all its Pods, then the Job."""
        active = [pod for pod in pods if pod in self.unfinished()]
        failed = [pod for pod in pods if pod["status"]["phase"] == "Failed"]
        done = [pod for pod in pods if pod["status"]["phase"] == "Succeeded"]
        deleting = "deletionTimestamp" in job["metadata"]
        if failed or _has(job, "FailureTarget"):
            job["status"]["failed"] = max(job["status"]["failed"], len(failed))
            kind = "FailureTarget" if active else "Failed"
            job["status"]["conditions"] = [{"type": kind, "status": "True", "reason": "BackoffLimitExceeded"}]
            for pod in active:
                self.delete_pod(pod)
        elif len(done) == self.nodes:
            job["status"]["conditions"] = [{"type": "Complete", "status": "True"}]
        elif not job["spec"]["suspend"] and not deleting:
            there = {_index(pod) for pod in active + done}
            for index in set(range(self.nodes)) - there:
                self._make_pod(job, index)

    def _make_pod(self, job: Object, index: int | None = None) -> None:
        self.made += 1
        owner = {"kind": "Job", "name": job["metadata"]["name"], "uid": job["metadata"]["uid"], "controller": True}
        metadata: Object = {
            "name": f"pod-{self.made}",
            "namespace": "team-a",
            "uid": f"pod-{self.made}",
            "labels": LABELS,
        }
        metadata |= {"creationTimestamp": self.now, "ownerReferences": [owner]}
        metadata["annotations"] = {} if index is None else {ANNOTATION_INDEX: str(index)}
        self.pods.append({"metadata": metadata, "spec": {"nodeName": "node"}, "status": {"phase": "Pending"}})
        self.pods[-1]["status"]["conditions"] = []

    def start_pod(self) -> None:
        """Be the kubelet."""
        for pod in self.unfinished():
            if pod["status"]["phase"] == "Pending" and "deletionTimestamp" not in pod["metadata"]:
                pod["status"]["phase"] = "Running"
                self._state(pod, {"running": {"startedAt": self.now}})

    def _state(self, pod: Object, state: Object) -> None:
        pod["status"]["containerStatuses"] = [{"name": "trainer", "state": state}]

    def _named(self) -> Object | None:
        uid = self.status.get("job", {}).get("podUID")
        running = [pod for pod in self.unfinished() if pod["status"]["phase"] == "Running"]
        return next((pod for pod in running if pod["metadata"]["uid"] == uid and uid not in self.silent), None)

    def report(self) -> None:
        """Be the trainer, which may report while status names its Pod."""
        if self._named() is None or self.ended:
            return
        following = {"Preparing": "Training", "Training": "Evaluating", "Evaluating": "Publishing"}
        pod = self.status["job"]["podUID"]
        stage = self.status.get("stage") if self.status.get("podUID") == pod else None
        self.status["podUID"] = pod
        if self._prepares(self.status["job"]["name"]):
            following = {}
        self.status["stage"] = following.get(stage, stage) if stage else "Preparing"
        if self.status["stage"] == "Training":
            self.status["checkpoint"] = {}

    def end_pod(self) -> None:
        """Let a Pod end."""
        pods = [pod for pod in self.unfinished() if pod["metadata"]["uid"] not in self.silent]
        if not pods:
            return
        pod = self.chance.choice(pods)
        started = pod["status"]["phase"] == "Running"
        deleted = "deletionTimestamp" in pod["metadata"]
        if not started and not deleted:
            return
        done = started and (self._named() is pod or _index(pod) > 0) and self._is_done(pod)
        codes = [75, 75, 137] if deleted else [1, 65, 75] + ([0] * 6 if done else [])
        self._end(pod, self.chance.choice(codes), seen=self.chance.random() < 0.9)

    def _end(self, pod: Object, code: int, *, seen: bool = True) -> None:
        said = ""
        others = [one for one in self.pods if one["metadata"]["ownerReferences"] == pod["metadata"]["ownerReferences"]]
        if code == 1 and self.nodes > 1 and any(one["status"]["phase"] == "Failed" for one in others):
            said = '{"reason": "PeerLost", "message": "another process ended"}'
        if code == 0 and _index(pod) == 0 and not self._prepares(self._job_of(pod)):
            self.status["artifacts"] = {"uri": "s3://models/team-a/bottles-1"}
            said = '{"reason": "Stopped", "message": "stopped"}' if self.policy.get("stop") else ""
        pod["status"]["phase"] = "Failed" if code else "Succeeded"
        times = dict.fromkeys(("startedAt", "finishedAt"), self.now if seen or code in {0, 65, 75} else None)
        self._state(pod, {"terminated": {"exitCode": code, "message": said} | times})

    @staticmethod
    def _prepares(job: str) -> bool:
        return job.endswith("-preflight")

    @staticmethod
    def _job_of(pod: Object) -> str:
        return str(pod["metadata"]["ownerReferences"][0]["name"])

    def _is_done(self, pod: Object) -> bool:
        """Return whether the trainer in a Pod has done what it is for."""
        return self.status.get("stage") == ("Preparing" if self._prepares(self._job_of(pod)) else "Publishing")

    def collect_garbage(self) -> None:
        """Remove Jobs that are deleted and have no Pods, and Pods that are deleted, have ended and are counted."""
        deleted = [job for job in self.jobs if "deletionTimestamp" in job["metadata"] and not self.pods_of(job)]
        self.jobs = [job for job in self.jobs if job not in deleted]
        self.control_jobs()
        ended = [pod for pod in self.pods if pod not in self.unfinished()]
        self.pods = [pod for pod in self.pods if pod not in ended or "deletionTimestamp" not in pod["metadata"]]

    def pass_time(self) -> None:
        self.clock += timedelta(seconds=self.chance.choice((5, 40, 200)))

    def evict(self) -> None:
        for pod in self.unfinished():
            pod["status"]["conditions"] = [
                {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}
            ]
            self.delete_pod(pod)

    def drain_unseen(self) -> None:
        """Evict Pods, which are gone at once: whoever looks at all may never see how they ended."""
        self.evict()
        for pod in [pod for pod in self.unfinished() if pod["metadata"]["uid"] not in self.silent]:
            self.pods.remove(pod)
            for job in self.jobs:
                if job["metadata"]["uid"] == _job_uid(pod) and "completions" in job["spec"]:
                    failing = {"type": "FailureTarget", "status": "True", "reason": "BackoffLimitExceeded"}
                    job["status"].setdefault("conditions", [failing])

    def lose_node(self) -> None:
        for pod in self.unfinished():
            self.silent.add(pod["metadata"]["uid"])
            self.delete_pod(pod)

    def ask_suspend(self) -> None:
        self._ask(suspend=not self.policy.get("suspend", False))

    def ask_stop(self) -> None:
        self._ask(stop=True)

    def ask_limits(self) -> None:
        self._ask(maxInterruptions=self.chance.choice((2, 4)), backoffLimit=self.chance.choice((0, 2)))

    def _ask(self, **policy: object) -> None:
        self.version["spec"]["runPolicy"] = self.policy | policy
        self.version["metadata"]["generation"] += 1

    def delete_by_hand(self) -> None:
        self.meddled |= bool(self.jobs)
        for job in self.jobs:
            self.delete(job)

    def clean_up(self) -> None:
        """Be somebody who deletes finished Jobs."""
        for job in [job for job in self.jobs if _has(job, "Failed") or _has(job, "Complete")]:
            self.meddled |= self.news or observe_job(job) not in self.seen_jobs
            self._remove(job)

    def be_the_queue(self) -> None:
        for job in self.jobs:
            job["spec"]["suspend"] = not job["spec"]["suspend"]
            if job["spec"]["suspend"]:
                self._delete_pods(job)

    def come_to_an_end(self) -> None:
        """Let everything go its way, without anyone who asks for anything or breaks anything."""
        self._ask(suspend=False)
        self.queue, self.mishaps = False, 0.0
        for _ in range(200):
            for job in self.jobs:
                job["spec"]["suspend"] = False
            for step in (self.start_pod, self.report, self._finish_pods, self.collect_garbage, self.control_jobs):
                step()
                self.look()
                self.operate()
            self.clock += timedelta(seconds=100)
            if self.ended:
                return

    def _finish_pods(self) -> None:
        for pod in self.unfinished():
            if pod["metadata"]["uid"] in self.silent:
                self.delete_pod(pod)
            elif "deletionTimestamp" in pod["metadata"]:
                self._end(pod, 75)
            elif pod["status"]["phase"] == "Running" and self._is_done(pod):
                self._end(pod, 0)


def _has(job: Object, kind: str) -> bool:
    return kind in [condition["type"] for condition in job["status"].get("conditions", [])]


def _job_uid(pod: Object) -> str:
    return str(pod["metadata"]["ownerReferences"][0]["uid"])


def _index(pod: Object) -> int:
    return int(pod["metadata"].get("annotations", {}).get(ANNOTATION_INDEX, 0))
