"""Kubeflow Trainer with JobSet, by their own charts on a node of their own: how long a TrainJob takes to its Job."""

import time
from typing import Any, Final

import httpx
from benchmarks.operator_arrivals import FLOOR, Measured, Way, clear, measured, ratios
from benchmarks.operator_cluster import Api, job

import devcluster
from support.kube import Kube

NAMESPACE: Final = "benchmark"
GROUP_VERSION: Final = "apis/trainer.kubeflow.org/v1alpha1"
_RUNTIME: Final = "plain"
_WEBHOOK_WITHIN_S: Final = 60


def rival() -> Measured:
    """Measure it beside raw Jobs on the same cluster, whose node runs none of them."""
    with devcluster.cluster(addons=("jobset", "kubeflow-trainer")) as cluster:
        kube = Kube(cluster.kubeconfig)
        kube.must("POST", "api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        _make_runtime(kube)

        def connect() -> Api:
            return Api(cluster.kubeconfig, NAMESPACE)

        result = {
            "floor": measured(connect, FLOOR, lambda: clear(kube, NAMESPACE)),
            "kubeflow": measured(connect, _TRAIN_JOB, lambda: clear(kube, NAMESPACE, _TRAIN_JOB)),
        }
        kube.close()
    result["kubeflow"]["ratios"] = ratios(result["kubeflow"], result["floor"])
    return result


def _make_runtime(kube: Kube) -> None:
    """Make the runtime that TrainJobs name, as soon as Kubeflow's webhook has its certificate."""
    pod = job("")["spec"]["template"]["spec"]
    containers = [pod["containers"][0] | {"name": "node"}]  # the name that Kubeflow asks for
    labels = {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}
    template = {"metadata": {"labels": labels}, "spec": {"template": {"spec": pod | {"containers": containers}}}}
    replicated = {"name": "node", "template": template}
    body = {
        "apiVersion": GROUP_VERSION.removeprefix("apis/"),
        "kind": "TrainingRuntime",
        "metadata": {"name": _RUNTIME},
        "spec": {"mlPolicy": {"numNodes": 1}, "template": {"spec": {"replicatedJobs": [replicated]}}},
    }
    deadline = time.monotonic() + _WEBHOOK_WITHIN_S
    while True:
        answer = kube.request("POST", f"{GROUP_VERSION}/namespaces/{NAMESPACE}/trainingruntimes", body)
        if answer.code == httpx.codes.CREATED:
            return
        assert time.monotonic() < deadline, f"Kubeflow takes no TrainingRuntime: {answer.message}"
        time.sleep(1)


def _train_job(name: str) -> dict[str, Any]:
    return {
        "apiVersion": GROUP_VERSION.removeprefix("apis/"),
        "kind": "TrainJob",
        "metadata": {"name": name},
        "spec": {"runtimeRef": {"name": _RUNTIME, "kind": "TrainingRuntime"}},
    }


_TRAIN_JOB: Final = Way(GROUP_VERSION, "trainjobs", _train_job, "-node-0")
