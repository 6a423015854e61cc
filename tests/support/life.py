"""A small world of one version: an API server, a Job controller, a kubelet, a trainer, a user, and the operator.

Everything but the operator's decisions is a sketch: enough that whatever may happen to a version happens in some order.
"""

import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from support.modelversions import modelversion
from tintype_api.constants import ANNOTATION_INDEX, OPERATOR_STATUS_FIELDS, TERMINAL_PHASES
from tintype_api.spec.run import Storage
from tintype_operator.attempt import is_lost
from tintype_operator.decide import decide
from tintype_operator.decisions import CreateJob, Facts, LookUpJob, LookUpPods, LookUpQueue, Rest, Settle
from tintype_operator.observe import observe_job, observe_pod, observe_version

Object = dict[str, Any]

GRACE = timedelta(seconds=30)
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
    silent: set[str] = field(default_factory=set)
    transitions: set[tuple[str, str]] = field(default_factory=set)
    made: int = 0

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

    def operate(self) -> None:
        """Be the operator until nothing follows any more."""
        for _ in range(20):
            settle = self._decide()
            if settle is None or not self._carry_out(settle):
                return
        raise AssertionError(f"the operator does not come to rest in {self.status}")

    def _decide(self) -> Settle | None:
        facts = Facts(
            observe_version(self.version), tuple(map(observe_job, self.jobs)), tuple(map(observe_pod, self.pods))
        )
        for _ in range(6):
            match decide(facts, Storage(), self.now):
                case Settle() as settle:
                    return settle
                case Rest():
                    return None
                case LookUpJob():
                    facts = replace(facts, job_is_gone=True)
                case LookUpPods():
                    facts = replace(facts, pods_looked_up=True)
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
        return job

    def _carry_out(self, settle: Settle) -> bool:
        own = {name: self.status[name] for name in OPERATOR_STATUS_FIELDS if name in self.status}
        wanted = settle.status.to_wire()
        if own != wanted:
            before = self.phase
            for name in own:
                del self.status[name]
            self.status.update(wanted)
            self.transitions |= {(before, self.phase)} if before != self.phase else set()
        for job in self._same(settle.delete):
            self.jobs.remove(job)
            self._delete_pods(job)
        for job in self._same((settle.delete_after_pods,) if settle.delete_after_pods else ()):
            self.delete(job)
        if settle.patch is not None and settle.patch.backoff_limit is not None:
            for job in self._same((settle.patch.job,)):
                job["spec"]["backoffLimit"] = settle.patch.backoff_limit
        return own != wanted or bool(settle.delete or settle.delete_after_pods)

    def _same(self, wanted: Any) -> list[Object]:  # noqa: ANN401 - facts of Jobs
        uids = {job.uid for job in wanted}
        return [job for job in self.jobs if job["metadata"]["uid"] in uids]

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
        uid = job["metadata"]["uid"]
        return [pod for pod in self.pods if pod["metadata"]["ownerReferences"][0]["uid"] == uid]

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
            (1, self.lose_node),
            (1, self.ask_suspend),
            (0.2, self.ask_stop),
            (0.05, self.delete_by_hand),
            (2 if self.queue else 0, self.be_the_queue),
        )
        weights, actions = zip(*events, strict=True)
        self.clock += timedelta(seconds=1)
        self.chance.choices(actions, weights)[0]()

    def control_jobs(self) -> None:
        """Be the Job controller."""
        for job in self.jobs:
            status, pods = job["status"], self.pods_of(job)
            if "deletionTimestamp" in job["metadata"] or "conditions" in status:
                continue
            if "completions" in job["spec"]:
                self._control_group(job, pods)
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
        job["status"]["failed"] = len(failed)
        if failed:
            for pod in active:
                self.delete_pod(pod)
            if not active:
                failure = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}
                job["status"]["conditions"] = [failure]
        elif len(done) == self.nodes:
            job["status"]["conditions"] = [{"type": "Complete", "status": "True"}]
        elif not job["spec"]["suspend"]:
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
        self._end(pod, self.chance.choice(codes))

    def _end(self, pod: Object, code: int) -> None:
        said = ""
        others = [one for one in self.pods if one["metadata"]["ownerReferences"] == pod["metadata"]["ownerReferences"]]
        if code == 1 and self.nodes > 1 and any(one["status"]["phase"] == "Failed" for one in others):
            said = '{"reason": "PeerLost", "message": "another process ended"}'
        if code == 0 and _index(pod) == 0 and not self._prepares(self._job_of(pod)):
            self.status["artifacts"] = {"uri": "s3://models/team-a/bottles-1"}
            said = '{"reason": "Stopped", "message": "stopped"}' if self.policy.get("stop") else ""
        pod["status"]["phase"] = "Failed" if code else "Succeeded"
        times = {"startedAt": self.now, "finishedAt": self.now}
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
        """Remove what is deleted and has ended."""
        ended = [pod for pod in self.pods if pod not in self.unfinished()]
        self.pods = [pod for pod in self.pods if pod not in ended or "deletionTimestamp" not in pod["metadata"]]
        deleted = [job for job in self.jobs if "deletionTimestamp" in job["metadata"] and not self.pods_of(job)]
        self.jobs = [job for job in self.jobs if job not in deleted]

    def pass_time(self) -> None:
        self.clock += timedelta(seconds=self.chance.choice((5, 40, 200)))

    def evict(self) -> None:
        for pod in self.unfinished():
            pod["status"]["conditions"] = [
                {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}
            ]
            self.delete_pod(pod)

    def lose_node(self) -> None:
        for pod in self.unfinished():
            self.silent.add(pod["metadata"]["uid"])
            self.delete_pod(pod)

    def ask_suspend(self) -> None:
        self._ask(suspend=not self.policy.get("suspend", False))

    def ask_stop(self) -> None:
        self._ask(stop=True)

    def _ask(self, **policy: bool) -> None:
        self.version["spec"]["runPolicy"] = self.policy | policy
        self.version["metadata"]["generation"] += 1

    def delete_by_hand(self) -> None:
        for job in self.jobs:
            self.delete(job)

    def be_the_queue(self) -> None:
        for job in self.jobs:
            job["spec"]["suspend"] = not job["spec"]["suspend"]
            if job["spec"]["suspend"]:
                self._delete_pods(job)

    def come_to_an_end(self) -> None:
        """Let everything go its way, without anyone who asks for anything or breaks anything."""
        self._ask(suspend=False)
        self.queue = False
        for _ in range(200):
            for job in self.jobs:
                job["spec"]["suspend"] = False
            for step in (self.start_pod, self.report, self._finish_pods, self.collect_garbage, self.control_jobs):
                step()
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


def _index(pod: Object) -> int:
    return int(pod["metadata"].get("annotations", {}).get(ANNOTATION_INDEX, 0))
