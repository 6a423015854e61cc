"""The one thing that the trainer asks of the API server: to take its fields of status."""

import json
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from tintype_api.constants import (
    API_VERSION,
    GROUP,
    KIND,
    PLURAL,
    TRAINER_FIELD_MANAGER,
    TRAINER_STATUS_FIELDS,
    VERSION,
)
from tintype_api.errors import environment_error
from tintype_api.modelversion import Metadata
from tintype_api.status import TrainerStatus

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
READER_FIELD_MANAGER: Final = "tintype-trainer-reader"
"""Applies nothing, and so changes nothing: the one way to read the status with no more rights than to write it."""
TIMEOUT: Final = httpx.Timeout(10.0, connect=5.0)


@dataclass(frozen=True, slots=True)
class ApiServer:
    """Where the API server is and how to be let in.

    Attributes:
        url: Its base URL.
        token_file: The ServiceAccount's token; it is replaced from time to time.
        ca_file: The authority of the server's certificate.
    """

    url: str
    token_file: Path
    ca_file: Path


def in_cluster_server(environment: Mapping[str, str] = os.environ, folder: Path = SERVICE_ACCOUNT) -> ApiServer:
    """Return the API server of the cluster that this Pod runs in.

    Raises:
        UserError: exit 78 where the Pod has no token or does not know the server.
    """
    host, port = environment.get("KUBERNETES_SERVICE_HOST"), environment.get("KUBERNETES_SERVICE_PORT", "443")
    server = ApiServer(
        url=f"https://{f'[{host}]' if host and ':' in host else host}:{port}",
        token_file=folder / "token",
        ca_file=folder / "ca.crt",
    )
    if not host or not server.token_file.exists() or not server.ca_file.exists():
        raise environment_error(
            "this Pod cannot report its status: it has no ServiceAccount token or no KUBERNETES_SERVICE_HOST; "
            "mount the token (automountServiceAccountToken)"
        )
    return server


class StatusNotTakenError(Exception):
    """A write of status that failed; the message says why, in the server's words where it answered."""


class StatusClient:
    """Applies the trainer's fields of one version's status, server-side. For use from one thread.

    A field that this run has not set yet stays as an earlier Pod of the version has left it, such as the history
    until the checkpoint is read.

    Args:
        server: The API server.
        metadata: The version's name, namespace and uid.
        transport: Takes the place of the network in tests.
    """

    def __init__(self, server: ApiServer, metadata: Metadata, transport: httpx.BaseTransport | None = None) -> None:
        self._server = server
        self._metadata = metadata
        self._before: TrainerStatus | None = None
        self._client = httpx.Client(
            base_url=server.url,
            verify=ssl.create_default_context(cafile=server.ca_file) if transport is None else False,
            timeout=TIMEOUT,
            trust_env=False,
            transport=transport,
        )

    def apply(self, status: TrainerStatus) -> bool:
        """Make the trainer's fields these; a field that was set and is absent here is removed.

        Returns whether runPolicy.stop is true: the answer holds the whole version, so that nothing else need tell.

        Another version of the same name is never written: its status does not name this Pod, which is what the API
        server's policy asks for.

        Raises:
            StatusNotTakenError: the server is away or does not take it, or the token cannot be read.
        """
        if self._before is None:
            self._before = _trainer_status(self._patch(READER_FIELD_MANAGER, {}))
        kept = {
            name: getattr(self._before, name) for name in TrainerStatus.model_fields.keys() - status.model_fields_set
        }
        return _stop_is_asked(self._patch(TRAINER_FIELD_MANAGER, {"status": status.model_copy(update=kept).to_wire()}))

    def _patch(self, manager: str, fields: Mapping[str, Any]) -> httpx.Response:
        document = {"apiVersion": API_VERSION, "kind": KIND, "metadata": self._metadata.to_wire(), **fields}
        try:
            response = self._client.patch(
                f"/apis/{GROUP}/{VERSION}/namespaces/{self._metadata.namespace}/{PLURAL}/{self._metadata.name}/status",
                params={"fieldManager": manager, "force": "true", "fieldValidation": "Strict"},
                headers={
                    "Authorization": f"Bearer {self._server.token_file.read_text().strip()}",
                    "Content-Type": "application/apply-patch+yaml",
                },
                content=json.dumps(document, allow_nan=False),
            )
        except (httpx.HTTPError, OSError) as error:
            raise StatusNotTakenError(f"{type(error).__name__}: {error}") from error
        if not response.is_success:
            raise StatusNotTakenError(f"HTTP {response.status_code}: {_reason(response)}")
        return response

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def _trainer_status(response: httpx.Response) -> TrainerStatus:
    """Return the trainer's fields as the server has them; none where an older trainer's are not understood."""
    try:
        status = response.json()["status"]
        return TrainerStatus.model_validate({name: status[name] for name in TRAINER_STATUS_FIELDS if name in status})
    except (ValueError, KeyError, TypeError):
        return TrainerStatus()


def _stop_is_asked(response: httpx.Response) -> bool:
    try:
        return response.json()["spec"]["runPolicy"]["stop"] is True
    except (ValueError, KeyError, TypeError):
        return False


def _reason(response: httpx.Response) -> str:
    """Return the sentence of a Kubernetes Status object, or the start of whatever else came."""
    try:
        message = response.json()["message"]
    except (ValueError, KeyError, TypeError):
        message = response.text
    return str(message)[:500]
