"""What the API server says when it refuses or does not answer."""

from collections.abc import Mapping
from typing import Any, Final

UNREACHABLE: Final = 0
"""The code of an error without an answer."""
NOT_LEADING: Final = -1
"""The code of what was not asked, since this operator is not the one that writes."""

_UNKNOWN_FIELD: Final = "field not declared in schema"


class ApiError(Exception):
    """A refusal of the API server.

    Attributes:
        code: HTTP status, UNREACHABLE or NOT_LEADING.
        reason: Kubernetes' word for it, such as AlreadyExists.
        message: The server's sentence.
        fields: The fields that it names as causes.
        name: The object that it names.
    """

    def __init__(self, code: int, reason: str, message: str, fields: tuple[str, ...] = (), name: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.fields = fields
        self.name = name

    @property
    def not_found(self) -> bool:
        """Whether the object is not there; an API that is not served (yet) is no proof of that, and names none."""
        return self.code == 404 and bool(self.name)

    @property
    def exists(self) -> bool:
        """Whether the object is there already."""
        return self.code == 409 and self.reason == "AlreadyExists"

    @property
    def conflict(self) -> bool:
        """Whether the object is another one by now, such as one of another uid."""
        return self.code == 409


def from_answer(code: int, body: object) -> ApiError:
    """Return the error of an HTTP answer, whose body is a Status or whatever a proxy sent."""
    if not isinstance(body, Mapping):
        return ApiError(code, "", f"the API server answered {code}: {str(body)[:200]}")
    details: Mapping[str, Any] = body.get("details") or {}
    fields = tuple(str(cause["field"]) for cause in details.get("causes") or () if cause.get("field"))
    message = " ".join(str(body.get("message", f"HTTP {code}")).split())
    if message.endswith(_UNKNOWN_FIELD):
        message += "; the CRD is older than this operator: upgrade it with the chart"
    return ApiError(code, str(body.get("reason", "")), message, fields, str(details.get("name", "")))
