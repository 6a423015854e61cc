"""Bringing a cluster up, step by step, inside its supervisor."""

from devcluster import controlplane, s3
from devcluster.apiclient import ApiClient, s3_answers, wait_until
from devcluster.kubeconfig import write_credentials
from devcluster.plan import Plan
from devcluster.processes import Supervisor
from devcluster.progress import Say

_TIMEOUT_S = 120.0
_DEFAULT_ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/default"


def start_control_plane(plan: Plan, supervisor: Supervisor, say: Say) -> ApiClient:
    """Start S3, etcd, the API server and what needs it; returns once the API server accepts Pods."""
    say("starting etcd, kube-apiserver and S3")
    write_credentials(plan)
    s3.write_identities(plan)
    supervisor.start("etcd", controlplane.etcd(plan))
    supervisor.start("kube-apiserver", controlplane.apiserver(plan))
    supervisor.start("s3", s3.command(plan))
    client = ApiClient(plan)
    wait_until(lambda: client.answers("/readyz"), "kube-apiserver", _TIMEOUT_S, supervisor.check)
    say("starting kube-controller-manager")
    supervisor.start("kube-controller-manager", controlplane.controller_manager(plan))
    if plan.node:
        supervisor.start("kube-scheduler", controlplane.scheduler(plan))
    return client


def wait_for_control_plane(plan: Plan, client: ApiClient, supervisor: Supervisor) -> None:
    """Return once S3 answers and the controllers have made the account that every Pod needs."""
    wait_until(lambda: client.answers(_DEFAULT_ACCOUNT), "kube-controller-manager", _TIMEOUT_S, supervisor.check)
    wait_until(lambda: s3_answers(plan), "S3", _TIMEOUT_S, supervisor.check)
