"""What `kopf run --standalone -m tintype_operator.main` runs: kopf's settings, the watches, and start and end."""

import dataclasses
import logging
import os
import sys
from typing import Final

import click
import kopf

from tintype_api.constants import GROUP, PLURAL, VERSION
from tintype_operator.app import App
from tintype_operator.client import KUEUE_GROUP, in_cluster
from tintype_operator.settings import SettingsError, from_environment
from tintype_operator.watch import OURS

REFUSED_PODS: Final = "involvedObject.kind=Job,reason=FailedCreate"


def _app() -> App:
    """Return the operator for the environment and for the namespaces of kopf's command line."""
    context = click.get_current_context(silent=True)
    namespaces = tuple(context.params.get("namespaces") or ()) if context else ()
    try:
        return App(from_environment(os.environ), namespaces)
    except SettingsError as error:
        sys.exit(str(error))


APP: Final = _app()


@kopf.on.login()
def log_in(settings: kopf.OperatorSettings, **_: object) -> kopf.ConnectionInfo | None:
    """Return how kopf reaches the API server: as the Pod's ServiceAccount, or else by the kubeconfig."""
    if not in_cluster():
        return kopf.login_with_kubeconfig(settings=settings)
    info = kopf.login_with_service_account(settings=settings)
    # By address, as every client in a Pod does, rather than by a name that a cluster's DNS must know.
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    return None if info is None else dataclasses.replace(info, server=server)


@kopf.on.startup()
async def start(settings: kopf.OperatorSettings, **_: object) -> None:
    """Set kopf up for watching alone, then start the operator."""
    settings.peering.standalone = True
    settings.posting.enabled = False
    settings.posting.loggers = False
    settings.scanning.disabled = True
    settings.process.ultimate_exiting_timeout = 30
    # The API server marks quiet watches every minute; one that is silent for longer is dead.
    settings.watching.inactivity_timeout = 70
    settings.watching.server_timeout = 600
    settings.watching.connect_timeout = 5
    settings.watching.chunk_size = 500
    settings.networking.connect_timeout = 5
    settings.networking.request_timeout = 30
    # Handlers only take note, so that kopf's task for each object need not outlive its events.
    settings.queueing.idle_timeout = 0.5
    settings.watching.label_selectors["batch", "v1", "jobs"] = OURS
    settings.watching.label_selectors["", "v1", "pods"] = OURS
    settings.watching.field_selectors["", "v1", "events"] = REFUSED_PODS
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
    await APP.start()
    kueue = await APP.kueue_version()
    if kueue is not None:
        kopf.on.event(KUEUE_GROUP, kueue, "workloads", id="workload_seen")(workload_seen)


@kopf.on.cleanup()
async def stop(**_: object) -> None:
    """End what was started."""
    await APP.stop()


@kopf.on.event(GROUP, VERSION, PLURAL)
async def version_seen(event: kopf.RawEvent, **_: object) -> None:
    """Take note of a ModelVersion."""
    APP.watch.version(event)


@kopf.on.event("batch", "v1", "jobs")
async def job_seen(event: kopf.RawEvent, **_: object) -> None:
    """Take note of a Job."""
    APP.watch.job(event)


@kopf.on.event("", "v1", "pods")
async def pod_seen(event: kopf.RawEvent, **_: object) -> None:
    """Take note of a Pod."""
    APP.watch.pod(event)


@kopf.on.event("", "v1", "events")
async def refusal_seen(event: kopf.RawEvent, **_: object) -> None:
    """Take note of a Pod that the API server did not take."""
    APP.watch.refusal(event)


async def workload_seen(event: kopf.RawEvent, **_: object) -> None:
    """Take note of a Workload of Kueue; registered where Kueue is served when the operator starts."""
    APP.watch.workload(event)
