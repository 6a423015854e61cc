"""The Job of an attempt, complete in one object and never applied again, and the Service of its Pods. Pure."""

import json
from typing import Any, Final

from tintype_api.constants import (
    ANNOTATION_MODELVERSION,
    API_VERSION,
    CACHE_DIRECTORY,
    ENV_CPU_STANDS_FOR_GPU,
    ENV_LEADER,
    ENV_LIBRARY,
    ENV_POD_UID,
    ENV_WEIGHTS_LICENCES,
    ENV_WEIGHTS_MIRROR,
    FINAL_EXIT_CODES,
    KIND,
    LABEL_ATTEMPT,
    LABEL_MANAGED_BY,
    LABEL_MODEL,
    LABEL_MODELVERSION,
    LABEL_QUEUE,
    LABEL_QUEUE_PRIORITY,
    MANAGED_BY,
    MODELVERSION_FILE,
    TERMINATION_MESSAGE_FILE,
    TRAINER_METRICS_PORT,
    ExitCode,
)
from tintype_api.modelversion import ModelVersion
from tintype_operator.decisions import CreateJob
from tintype_operator.names import service_name
from tintype_operator.observe import CONTAINER
from tintype_operator.settings import TrainerSettings

Manifest = dict[str, Any]

_USER: Final = 65_532
_SCRATCH: Final = "/tmp"  # noqa: S108 - a volume of the Pod's own
_SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108 - where Linux has it
_DIRECTORY, _FILE = MODELVERSION_FILE.rsplit("/", 1)


def job_manifest(creation: CreateJob, settings: TrainerSettings) -> Manifest:
    """Return the Job that trains a resolved version.

    Pods that train together end together: the first failure ends their Job, and the operator decides what follows.
    """
    version = creation.version
    labels = _labels(creation)
    together = {
        "completionMode": "Indexed",
        "completions": version.spec.compute.nodes,
        "parallelism": version.spec.compute.nodes,
    }
    alone = {"podFailurePolicy": {"rules": _failure_rules()}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": creation.name,
            "namespace": version.metadata.namespace,
            "labels": labels | _queue_labels(version),
            "ownerReferences": [_owner(version)],
        },
        "spec": {
            "backoffLimit": creation.backoff_limit,
            "podReplacementPolicy": "Failed",
            **(together if creation.is_group else alone),
            "template": {
                "metadata": {"labels": labels, "annotations": {ANNOTATION_MODELVERSION: _annotation(version)}},
                "spec": _pod(creation, settings),
            },
        },
    }


def service_manifest(version: ModelVersion) -> Manifest:
    """Return the headless Service that gives the Pods of a version with several nodes their names.

    A Pod has its name before it is ready: the others wait for it to come.
    """
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": service_name(version.metadata.name),
            "namespace": version.metadata.namespace,
            "labels": {LABEL_MANAGED_BY: MANAGED_BY, LABEL_MODELVERSION: version.metadata.name},
            "ownerReferences": [_owner(version)],
        },
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": {LABEL_MODELVERSION: version.metadata.name},
        },
    }


def _labels(creation: CreateJob) -> dict[str, str]:
    return {
        LABEL_MANAGED_BY: MANAGED_BY,
        LABEL_MODELVERSION: creation.version.metadata.name,
        LABEL_MODEL: creation.model,
        LABEL_ATTEMPT: str(creation.attempt),
    }


def _queue_labels(version: ModelVersion) -> dict[str, str]:
    """Return the labels by which Kueue takes a Job; on the Job alone, since Kueue can take bare Pods, too."""
    policy = version.spec.run_policy
    given = {LABEL_QUEUE: policy.queue_name, LABEL_QUEUE_PRIORITY: policy.queue_priority_class_name}
    return {label: value for label, value in given.items() if value}


def _owner(version: ModelVersion) -> Manifest:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": version.metadata.name,
        "uid": version.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _annotation(version: ModelVersion) -> str:
    return json.dumps(version.to_wire(), separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def _failure_rules() -> list[Manifest]:
    """Return the rules in the order in which the Job controller tries them; what none matches is counted."""
    return [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {"action": "Ignore", "onExitCodes": _exits(ExitCode.INTERRUPTED)},
        {"action": "FailJob", "onExitCodes": _exits(*FINAL_EXIT_CODES)},
    ]


def _exits(*codes: ExitCode) -> Manifest:
    return {"containerName": CONTAINER, "operator": "In", "values": sorted(int(code) for code in codes)}


def _pod(creation: CreateJob, settings: TrainerSettings) -> Manifest:
    version = creation.version
    template = version.spec.pod_template
    runtime_class = {"runtimeClassName": settings.runtime_class} if settings.runtime_class else {}
    priority = version.spec.run_policy.priority_class_name
    priority_class = {"priorityClassName": priority} if priority else {}
    subdomain = {"subdomain": service_name(version.metadata.name)} if creation.is_group else {}
    return {
        "restartPolicy": "Never",
        "serviceAccountName": template.service_account_name,
        "automountServiceAccountToken": True,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": version.spec.compute.termination_grace_period_seconds,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        **runtime_class,
        **priority_class,
        **subdomain,
        **_placement(version),
        **_pull_secrets(version, settings),
        "containers": [_container(creation, settings)],
        "volumes": _volumes(version),
    }


def _placement(version: ModelVersion) -> Manifest:
    wire = version.spec.pod_template.to_wire()
    return {name: wire[name] for name in ("nodeSelector", "tolerations") if wire.get(name)}


def _pull_secrets(version: ModelVersion, settings: TrainerSettings) -> Manifest:
    """Return the version's own Secrets for registries, then the operator's."""
    own = version.spec.pod_template.to_wire().get("imagePullSecrets", [])
    secrets = [*own, *({"name": name} for name in settings.pull_secrets if {"name": name} not in own)]
    return {"imagePullSecrets": secrets} if secrets else {}


def _container(creation: CreateJob, settings: TrainerSettings) -> Manifest:
    version = creation.version
    secret = version.spec.storage.credentials_secret
    credentials = {"envFrom": [{"secretRef": {"name": secret}}]} if secret else {}
    return {
        "name": CONTAINER,
        "image": settings.image,
        "imagePullPolicy": settings.pull_policy,
        "command": ["tintype", "run", MODELVERSION_FILE, *(["--only", "prepare"] if creation.is_preflight else [])],
        "env": _environment(creation, settings),
        **credentials,
        "ports": [{"name": "metrics", "containerPort": TRAINER_METRICS_PORT, "protocol": "TCP"}],
        "resources": _resources(version, gpus=0 if creation.is_preflight else version.spec.compute.gpus),
        "terminationMessagePath": TERMINATION_MESSAGE_FILE,
        "terminationMessagePolicy": "File",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "modelversion", "mountPath": _DIRECTORY, "readOnly": True},
            {"name": "cache", "mountPath": CACHE_DIRECTORY},
            {"name": "scratch", "mountPath": _SCRATCH},
            {"name": "shared-memory", "mountPath": _SHARED_MEMORY},
        ],
    }


def _environment(creation: CreateJob, settings: TrainerSettings) -> list[Manifest]:
    """Return the variables: libraries that keep files in the home directory find it writable under /tmp."""
    leader = f"{creation.name}-0.{service_name(creation.version.metadata.name)}"
    passed_on = {
        ENV_LEADER: leader if creation.is_group else None,
        ENV_CPU_STANDS_FOR_GPU: "1" if settings.cpu_stands_for_gpu else None,
        ENV_WEIGHTS_MIRROR: settings.weights_mirror,
        ENV_WEIGHTS_LICENCES: settings.weights_licences,
        ENV_LIBRARY: settings.library,
    }
    return [
        {"name": ENV_POD_UID, "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
        {"name": "HOME", "value": _SCRATCH},
        {"name": "XDG_CACHE_HOME", "value": f"{_SCRATCH}/.cache"},
        {"name": "XDG_CONFIG_HOME", "value": f"{_SCRATCH}/.config"},
        *({"name": name, "value": value} for name, value in passed_on.items() if value),
    ]


def _resources(version: ModelVersion, gpus: int) -> Manifest:
    compute = version.spec.compute
    asked = {"cpu": compute.cpu, "memory": compute.memory}
    if gpus:
        asked[compute.gpu_resource] = str(gpus)
    return {"requests": dict(asked), "limits": dict(asked)}


def _volumes(version: ModelVersion) -> list[Manifest]:
    field = {"fieldPath": f"metadata.annotations['{ANNOTATION_MODELVERSION}']"}
    return [
        {"name": "modelversion", "downwardAPI": {"items": [{"path": _FILE, "fieldRef": field}]}},
        {"name": "cache", "emptyDir": {}},
        {"name": "scratch", "emptyDir": {}},
        {
            "name": "shared-memory",
            "emptyDir": {"medium": "Memory", "sizeLimit": version.spec.compute.shared_memory},
        },
    ]
