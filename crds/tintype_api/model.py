"""The base of all models of spec and status, and the rules that the CRD (as CEL) and Python both check."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel


@dataclass(frozen=True)
class Rule:
    """One rule, written twice: for the API server and for Python.

    Attributes:
        cel: The CEL expression, over `self`.
        holds: The same as a predicate over the parsed model.
        message: One sentence that names the field, what is wrong and what to do.
        message_cel: A CEL expression that makes a message with values in it; `message` is used where it fails.
        explain: The same for Python.
    """

    cel: str
    holds: Callable[[Any], bool]
    message: str
    message_cel: str | None = None
    explain: Callable[[Any], str] | None = None


def exactly_one(what: str, *fields: str) -> Rule:
    """Return the rule that a part has exactly one of some fields.

    Args:
        what: The part, for the message.
        fields: By their Python names.
    """
    names = [to_camel(field) for field in fields]
    given = ", ".join(f"has(self.{name})" for name in names)
    others = "other" if len(names) == 2 else "others"
    return Rule(
        cel=f"[{given}].exists_one(given, given)",
        holds=lambda part: sum(getattr(part, field) is not None for field in fields) == 1,
        message=f"{what} takes exactly one of {', '.join(names[:-1])} and {names[-1]}; remove the {others}",
    )


class Model(BaseModel):
    """A frozen model with camelCase names on the wire that knows no other fields."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, use_attribute_docstrings=True
    )

    rules: ClassVar[tuple[Rule, ...]] = ()

    @model_validator(mode="after")
    def _check_rules(self) -> Self:
        for rule in self.rules:
            if not rule.holds(self):
                raise ValueError(rule.explain(self) if rule.explain else rule.message)
        return self

    def to_wire(self) -> dict[str, Any]:
        """Return the model as the JSON that Kubernetes holds: camelCase, without absent fields."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
