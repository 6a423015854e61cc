"""From objects as the API server sends them to the few facts that decisions read. Never raises on odd objects."""

import json
from array import array
from collections.abc import Mapping, Sequence
from sys import intern
from typing import Any, Final

from pydantic import ValidationError

from tintype_api.catalogue import DEFAULT_ARCHITECTURE, DEFAULT_DETECTOR
from tintype_api.constants import (
    ANNOTATION_INDEX,
    API_VERSION,
    KIND,
    LABEL_MODEL,
    LABEL_MODELVERSION,
    LABEL_QUEUE,
    OPERATOR_STATUS_FIELDS,
    TERMINAL_PHASES,
)
from tintype_api.podtemplate import PodTemplate
from tintype_api.spec.run import Compute, Preflight, RunPolicy
from tintype_api.spec.view import ViewType
from tintype_api.status import OperatorStatus
from tintype_operator.facts import (
    ABSENT,
    CONCEPT_METRICS,
    NO_CONCEPTS,
    SHOWN_CONCEPTS,
    ConceptFigures,
    ContainerEnd,
    ContainerWait,
    Figures,
    JobFacts,
    Key,
    PodFacts,
    RefusalFacts,
    VersionFacts,
    WorkloadFacts,
)

CONTAINER: Final = "trainer"

_JOB_CONTROLLER: Final = "kubernetes.io/job-controller"

Object = Mapping[str, Any]

_RUN_POLICY: Final = RunPolicy()
_COMPUTE: Final = Compute()
_POD_TEMPLATE: Final = PodTemplate()


def observe_version(document: Object) -> VersionFacts:
    """Return the facts of a ModelVersion; fields that are missing or of another type read as their defaults."""
    metadata, spec, status = (_part(document, name) for name in ("metadata", "spec", "status"))
    own = _operator_status(status)
    ended = own.phase in TERMINAL_PHASES
    run_policy = _part(spec, "runPolicy")
    return VersionFacts(
        key=_key(metadata),
        uid=str(metadata.get("uid", "")),
        resource_version=_resource_version(metadata),
        created_at=str(metadata.get("creationTimestamp", "")),
        generation=_whole(metadata.get("generation"), 0),
        deleting="deletionTimestamp" in metadata,
        view=intern(str(_part(spec, "view").get("name", ""))),
        view_type=intern(str(_part(spec, "view").get("type", ""))),
        architecture=_architecture(_part(spec, "training"), _part(spec, "view")),
        gpus=_whole(_part(spec, "compute").get("gpus"), _COMPUTE.gpus),
        nodes=_whole(_part(spec, "compute").get("nodes"), _COMPUTE.nodes),
        model_label=_text(_part(metadata, "labels").get(LABEL_MODEL)),
        document=b"" if ended else _document(metadata, document.get("spec")),
        suspend=run_policy.get("suspend") is True,
        stop=run_policy.get("stop") is True,
        preflight=_preflight(run_policy, _part(spec, "compute")),
        backoff_limit=_whole(run_policy.get("backoffLimit"), _RUN_POLICY.backoff_limit),
        max_interruptions=_whole(run_policy.get("maxInterruptions"), _RUN_POLICY.max_interruptions),
        queue=_text(run_policy.get("queueName")),
        queue_priority=_text(run_policy.get("queuePriorityClassName")),
        ttl_seconds=_whole(run_policy.get("ttlSecondsAfterFinished"), _RUN_POLICY.ttl_seconds_after_finished),
        memory=str(_part(spec, "compute").get("memory", _COMPUTE.memory)),
        service_account=str(_part(spec, "podTemplate").get("serviceAccountName", _POD_TEMPLATE.service_account_name)),
        output_uri=str(_part(spec, "output").get("uri", "")),
        status=own,
        stage=_text(status.get("stage")),
        reporter=_text(status.get("podUID")),
        checkpoint="checkpoint" in status,
        published="artifacts" in status,
        weights_from=_text(_part(_part(spec, "training"), "initialWeights").get("modelVersion")),
        validation_digest=_text(_part(status, "dataset").get("validationDigest")),
        figures=_figures(status, ended=ended),
    )


def _architecture(training: Object, view: Object) -> str:
    usual = DEFAULT_DETECTOR if view.get("type") == ViewType.DETECTION else DEFAULT_ARCHITECTURE
    return intern(str(training.get("architecture") or usual))


def _preflight(run_policy: Object, compute: Object) -> bool:
    asked = run_policy.get("preflight", _RUN_POLICY.preflight)
    return asked == Preflight.AUTO and _whole(compute.get("gpus"), _COMPUTE.gpus) > 0


def observe_job(document: Object) -> JobFacts:
    """Return the facts of a Job."""
    metadata, spec, status = (_part(document, name) for name in ("metadata", "spec", "status"))
    owner = _controller(metadata, KIND)
    conditions = _true_conditions(status)
    failure = conditions.get("Failed")
    return JobFacts(
        key=_key(metadata),
        uid=str(metadata.get("uid", "")),
        resource_version=_resource_version(metadata),
        version=str(owner.get("name") or _part(metadata, "labels").get(LABEL_MODELVERSION, "")),
        owner_uid=owner.get("uid"),
        deleting="deletionTimestamp" in metadata,
        failed=_whole(status.get("failed"), 0),
        complete="Complete" in conditions,
        failure_reason=None if failure is None else str(failure.get("reason", "")),
        failure_message="" if failure is None else str(failure.get("message", "")),
        failing="FailureTarget" in conditions,
        backoff_limit=_whole(spec.get("backoffLimit"), _RUN_POLICY.backoff_limit),
        ttl_seconds=spec.get("ttlSecondsAfterFinished"),
        suspended=spec.get("suspend") is True,
        queue=_part(metadata, "labels").get(LABEL_QUEUE),
        managed_elsewhere=spec.get("managedBy", _JOB_CONTROLLER) != _JOB_CONTROLLER,
        nodes=_whole(spec.get("completions"), 1),
        completion_time=status.get("completionTime"),
    )


def observe_pod(document: Object) -> PodFacts:
    """Return the facts of a Pod."""
    metadata, spec, status = (_part(document, name) for name in ("metadata", "spec", "status"))
    scheduled = _condition(status, "PodScheduled")
    unscheduled = scheduled if scheduled.get("status") == "False" else {}
    state = _part(_named(status.get("containerStatuses"), CONTAINER), "state")
    running, terminated = _part(state, "running"), _part(state, "terminated")
    return PodFacts(
        key=_key(metadata),
        uid=str(metadata.get("uid", "")),
        resource_version=_resource_version(metadata),
        version=str(_part(metadata, "labels").get(LABEL_MODELVERSION, "")),
        job_uid=_controller(metadata, "Job").get("uid"),
        index=_index(metadata),
        created_at=str(metadata.get("creationTimestamp", "")),
        ends_by=metadata.get("deletionTimestamp"),
        node=str(spec.get("nodeName", "")),
        phase=str(status.get("phase", "Pending")),
        reason=str(status.get("reason", "")),
        message=str(status.get("message", "")),
        scheduling_reason=str(unscheduled.get("reason", "")),
        scheduling_message=str(unscheduled.get("message", "")),
        disruption=_disruption(status),
        image=str(_named(spec.get("containers"), CONTAINER).get("image", "")),
        wait=_wait(state),
        started_at=running.get("startedAt") or terminated.get("startedAt"),
        end=_end(terminated),
    )


def observe_refusal(document: Object) -> RefusalFacts:
    """Return the facts of an Event with the reason FailedCreate about a Job."""
    metadata, job = _part(document, "metadata"), _part(document, "involvedObject")
    return RefusalFacts(
        key=_key(metadata),
        uid=str(metadata.get("uid", "")),
        resource_version=_resource_version(metadata),
        job=_key(job),
        job_uid=str(job.get("uid", "")),
        message=str(document.get("message", "")),
        seen_at=str(
            document.get("lastTimestamp") or document.get("eventTime") or metadata.get("creationTimestamp", "")
        ),
    )


def observe_workload(document: Object) -> WorkloadFacts:
    """Return the facts of a Workload of Kueue."""
    metadata, status = _part(document, "metadata"), _part(document, "status")
    job, reserved = _controller(metadata, "Job"), _condition(status, "QuotaReserved")
    return WorkloadFacts(
        key=_key(metadata),
        uid=str(metadata.get("uid", "")),
        resource_version=_resource_version(metadata),
        job=Key(str(metadata.get("namespace", "")), str(job.get("name", ""))),
        job_uid=str(job.get("uid", "")),
        message=str(reserved.get("message", "")) if reserved.get("status") == "False" else "",
    )


def _document(metadata: Object, spec: object) -> bytes:
    named = {name: metadata[name] for name in ("name", "namespace", "uid") if name in metadata}
    document = {"apiVersion": API_VERSION, "kind": KIND, "metadata": named, "spec": spec}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _operator_status(status: Object) -> OperatorStatus:
    own = {name: status[name] for name in OPERATOR_STATUS_FIELDS if name in status}
    try:
        return OperatorStatus.model_validate(own)
    except ValidationError:
        # Written by another version of the operator: only what keeps an ended version ended is taken from it.
        kept = {"phase": own["phase"]} if own.get("phase") in list(TERMINAL_PHASES) else {}
        return OperatorStatus.model_validate(kept)


def _figures(status: Object, *, ended: bool) -> Figures:
    progress, metrics, best = (_part(status, name) for name in ("progress", "metrics", "best"))
    validation, test = _part(metrics, "validation"), _part(metrics, "test")
    history = _list(status.get("history"))
    return Figures(
        epoch=_number(progress.get("epoch")),
        epochs=_number(progress.get("epochs")),
        iteration=_number(progress.get("iteration")),
        train_loss=_number(history[-1].get("trainLoss")) if history else None,
        validation_loss=_number(validation.get("loss")),
        validation_accuracy=_number(validation.get("accuracy")),
        validation_map=_number(validation.get("mAP")),
        test_loss=_number(test.get("loss")),
        test_accuracy=_number(test.get("accuracy")),
        test_map=_number(test.get("mAP")),
        best_epoch=_number(best.get("epoch")),
        performance_indicator=_number(best.get("performanceIndicator")),
        performance_indicator_name=intern(str(best.get("performanceIndicatorName", ""))),
        concepts=_concepts(_list(status.get("concepts"))) if ended else NO_CONCEPTS,
    )


def _concepts(found: Sequence[Object]) -> ConceptFigures:
    """Return the numbers of the concepts of most support; names are shared by the versions that have them."""
    shown = sorted(found, key=lambda one: -_whole(one.get("support"), 0))[:SHOWN_CONCEPTS]
    if not shown:
        return NO_CONCEPTS
    numbers = (_number(one.get(field)) for one in shown for field in CONCEPT_METRICS.values())
    values = array("f", (ABSENT if number is None else number for number in numbers))
    return ConceptFigures(tuple(intern(str(one.get("name", ""))) for one in shown), values)


def _index(metadata: Object) -> int | None:
    text = str(_part(metadata, "annotations").get(ANNOTATION_INDEX, ""))
    return int(text) if text.isdecimal() else None


def _disruption(status: Object) -> str | None:
    condition = _true_conditions(status).get("DisruptionTarget")
    return None if condition is None else str(condition.get("reason", ""))


def _wait(state: Object) -> ContainerWait | None:
    waiting = _part(state, "waiting")
    if not waiting:
        return None
    return ContainerWait(reason=str(waiting.get("reason", "")), message=str(waiting.get("message", "")))


def _end(terminated: Object) -> ContainerEnd | None:
    if not terminated:
        return None
    return ContainerEnd(
        exit_code=_whole(terminated.get("exitCode"), 0),
        signal=_whole(terminated.get("signal"), 0),
        reason=str(terminated.get("reason", "")),
        message=str(terminated.get("message", "")),
        finished_at=str(terminated.get("finishedAt") or ""),
    )


def _controller(metadata: Object, kind: str) -> Object:
    for owner in _list(metadata.get("ownerReferences")):
        if owner.get("controller") and owner.get("kind") == kind:
            return owner
    return {}


def _true_conditions(status: Object) -> dict[str, Object]:
    return {str(one.get("type")): one for one in _list(status.get("conditions")) if one.get("status") == "True"}


def _condition(status: Object, kind: str) -> Object:
    return next((one for one in _list(status.get("conditions")) if one.get("type") == kind), {})


def _named(items: object, name: str) -> Object:
    return next((one for one in _list(items) if one.get("name") == name), {})


def _key(metadata: Object) -> Key:
    return Key(str(metadata.get("namespace", "")), str(metadata.get("name", "")))


def _resource_version(metadata: Object) -> int:
    text = str(metadata.get("resourceVersion", ""))
    return int(text) if text.isdecimal() else 0


def _part(document: Object, name: str) -> Object:
    part = document.get(name)
    return part if isinstance(part, Mapping) else {}


def _list(items: object) -> Sequence[Object]:
    return [one for one in items if isinstance(one, Mapping)] if isinstance(items, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default
