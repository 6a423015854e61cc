"""Validation errors as sentences for users."""

from pydantic import ValidationError
from pydantic_core import ErrorDetails


def sentence(error: ValidationError) -> str:
    """Return one sentence that names the first field that is wrong, what is wrong and what to do."""
    details = error.errors(include_url=False)
    unknown_first = sorted(details, key=lambda detail: detail["type"] != "extra_forbidden")
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    return _explain(unknown_first[0]) + more


def _explain(detail: ErrorDetails) -> str:
    field = ".".join(str(part) for part in detail["loc"]) or "the document"
    match detail["type"]:
        case "extra_forbidden":
            return f"{field}: unknown field; remove it or correct its name"
        case "missing":
            return f"{field}: is required; add it"
        case "value_error":
            return str(detail["ctx"]["error"])
        case _:
            value = detail["input"]
            shown = f" '{value}'" if isinstance(value, str | int | float) else ""
            return f"{field}:{shown} {_decapitalised(detail['msg'])}; correct it"


def _decapitalised(text: str) -> str:
    return "is wrong: " + text[:1].lower() + text[1:]
