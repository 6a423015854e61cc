"""Names of the objects that the operator makes."""

import hashlib
from typing import Final

from tintype_api.constants import TRAINER_CLUSTER_ROLE

_OBJECT_NAME_LENGTH: Final = 253
_DIGEST_LENGTH: Final = 10


def job_name(version: str, attempt: int) -> str:
    """Return the name of the Job of an attempt, counted from 1; 0 is the preflight."""
    return f"{version}-{attempt or 'preflight'}"


def service_name(version: str) -> str:
    """Return the name of the headless Service by which the Pods of a version find each other."""
    return f"{version}-nodes"


def role_binding_name(service_account: str) -> str:
    """Return the name of the RoleBinding that lets Pods of a ServiceAccount report; at most 253 characters."""
    name = f"{TRAINER_CLUSTER_ROLE}-{service_account}"
    if len(name) <= _OBJECT_NAME_LENGTH:
        return name
    digest = hashlib.sha256(service_account.encode()).hexdigest()[:_DIGEST_LENGTH]
    return f"{name[: _OBJECT_NAME_LENGTH - _DIGEST_LENGTH - 1]}-{digest}"


def published_uri(output_uri: str, namespace: str, version: str) -> str:
    """Return the folder or prefix to which a version is published."""
    return f"{output_uri.rstrip('/')}/{namespace}/{version}/"
