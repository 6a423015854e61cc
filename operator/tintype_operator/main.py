"""What `kopf run --standalone -m tintype_operator.main` runs: kopf logs in, starts the operator and ends it."""

import dataclasses
import gc
import os
import sys
from typing import Final

import click
import kopf

from tintype_operator.app import App
from tintype_operator.client import in_cluster
from tintype_operator.settings import SettingsError, from_environment


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
    """Set kopf up for nothing but the operator's start and end, then start it."""
    settings.peering.standalone = True
    settings.posting.enabled = False
    settings.posting.loggers = False
    settings.scanning.disabled = True
    settings.process.ultimate_exiting_timeout = 30
    await APP.start()
    # What a start leaves stays for good: without it in each full collection, none holds the loop up for long.
    gc.collect()
    gc.freeze()


@kopf.on.cleanup()
async def stop(**_: object) -> None:
    """End what was started."""
    await APP.stop()
