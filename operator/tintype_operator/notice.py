"""What somebody outside is told when a version has ended, and how it is signed. Pure."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Final

from tintype_api.constants import API_VERSION, KIND, TERMINAL_PHASES, Condition
from tintype_api.status import OperatorStatus
from tintype_operator.conditions import find
from tintype_operator.facts import Key, VersionFacts

SIGNATURE_HEADER: Final = "X-Tintype-Signature-256"
DELIVERY_HEADER: Final = "X-Tintype-Delivery"
"""The same for each attempt to tell of one end, so that a receiver can tell that it has heard of it."""


@dataclass(frozen=True)
class Notice:
    """The end of a version.

    Attributes:
        version: Namespace and name.
        delivery: What no other end has.
        body: JSON, as it is sent and signed.
    """

    version: Key
    delivery: str
    body: bytes


def notice_of(version: VersionFacts, status: OperatorStatus) -> Notice | None:
    """Return the notice of a status that was just written; None where the version has not ended by it."""
    if version.ended or status.phase not in TERMINAL_PHASES:
        return None
    ends = (find(status.conditions, kind) for kind in (Condition.FAILED, Condition.COMPLETE))
    why = next((one for one in ends if one is not None and one.status == "True"), None)
    told = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "namespace": version.key.namespace,
        "name": version.key.name,
        "uid": version.uid,
        "model": status.model,
        "phase": status.phase,
        "reason": why.reason if why else None,
        "message": why.message if why else None,
        "performanceIndicator": version.figures.performance_indicator,
        "performanceIndicatorName": version.figures.performance_indicator_name or None,
        "startTime": status.start_time,
        "completionTime": status.completion_time,
    }
    known = {name: value for name, value in told.items() if value is not None}
    body = json.dumps(known, ensure_ascii=False, separators=(",", ":")).encode()
    return Notice(version.key, f"{version.uid}-{str(status.phase).lower()}", body)


def signature(secret: str, body: bytes) -> str:
    """Return what the header of the signature holds: HMAC-SHA256 of the body, with the algorithm's name before it."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
