"""From pydantic models to the structural OpenAPI v3 schema that a CRD takes, CEL rules included."""

from typing import Any, cast

from pydantic import BaseModel

from tintype_api.model import Model, Rule

_DROPPED = ("title", "discriminator", "propertyNames")
TAG = "type"
"""The field by which the parts of a union are told apart."""


def structural_schema(model: type[Model]) -> dict[str, Any]:
    """Return the model's schema without references, nulls and titles, with its rules and those of its parts as CEL."""
    source = model.model_json_schema(by_alias=True)
    definitions = source.pop("$defs", {})
    rules = {name: part.rules for name, part in parts_of(model).items()}
    return _convert(source, definitions, rules)


def without_defaults(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a part that only programs write: the API server then adds nothing to it."""
    plain = {key: value for key, value in schema.items() if key != "default"}
    if "properties" in plain:
        plain["properties"] = {name: without_defaults(part) for name, part in plain["properties"].items()}
    if "items" in plain:
        plain["items"] = without_defaults(plain["items"])
    return plain


def union_schema(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one object for all parts of a union, as a structural schema wants it.

    It has every field of every part, a rule for each field that says which parts it goes with, and the parts' own
    rules. A field has a default where all parts agree on it and have it; others get theirs when the spec is resolved.
    """
    owners: dict[str, list[str]] = {}
    fields: dict[str, list[dict[str, Any]]] = {}
    for part in parts:
        (tag,) = part["properties"][TAG]["enum"]
        for name, schema in part["properties"].items():
            owners.setdefault(name, []).append(tag)
            fields.setdefault(name, []).append(schema)
    tags = owners.pop(TAG)
    del fields[TAG]
    properties = {name: _shared(schemas, len(schemas) == len(tags)) for name, schemas in fields.items()}
    rules = [_goes_with(name, kinds) for name, kinds in owners.items() if kinds != tags]
    own = [rule for part in parts for rule in part.get("x-kubernetes-validations", [])]
    return {
        "type": "object",
        "properties": {TAG: {"type": "string", "enum": tags}, **properties},
        "required": [TAG],
        "x-kubernetes-validations": rules + own,
    }


def _shared(schemas: list[dict[str, Any]], everywhere: bool) -> dict[str, Any]:
    """Return the schema of a field that several parts have: their common words, and bounds that admit each part's."""
    equal = {key: value for key, value in schemas[0].items() if all(other.get(key) == value for other in schemas)}
    if not everywhere:
        equal.pop("default", None)
    return equal


def _goes_with(name: str, kinds: list[str]) -> dict[str, str]:
    named = ", ".join(kinds)
    return {
        "rule": f"!has(self.{name}) || self.{TAG} in {kinds}",
        "message": f"{name} goes with the type {named}; remove it or change the type",
    }


def parts_of(model: type[BaseModel]) -> dict[str, type[Model]]:
    """Return each model reachable from this one by the name that its schema has."""
    parts: dict[str, type[Model]] = {}
    waiting: list[object] = [model]
    while waiting:
        part = waiting.pop()
        waiting.extend(getattr(part, "__args__", ()))
        if isinstance(part, type) and issubclass(part, Model) and part.__name__ not in parts:
            parts[part.__name__] = part
            waiting.extend(field.annotation for field in part.model_fields.values())
    return parts


def _convert(node: dict[str, Any], definitions: dict[str, Any], rules: dict[str, tuple[Rule, ...]]) -> dict[str, Any]:
    name = node.get("title", "")
    if "$ref" in node:
        name = node["$ref"].removeprefix("#/$defs/")
        node = {**definitions[name], **{key: value for key, value in node.items() if key != "$ref"}}
    if "anyOf" in node:
        return _alternatives(node, definitions, rules)
    if "oneOf" in node:
        return union_schema([_convert(option, definitions, rules) for option in node["oneOf"]])
    converted = {key: value for key, value in node.items() if key not in _DROPPED}
    for key in ("properties", "items", "additionalProperties", "prefixItems", "const"):
        if key in converted:
            converted |= _CONVERTERS[key](converted.pop(key), definitions, rules)
    if "default" in converted:
        converted["default"] = _without_nulls(converted["default"])
    converted |= _exclusive_bounds(converted)
    if node.get("type") == "object" and rules.get(name):
        converted["x-kubernetes-validations"] = [validation(rule) for rule in rules[name]]
    return _ordered(converted)


def _alternatives(
    node: dict[str, Any], definitions: dict[str, Any], rules: dict[str, tuple[Rule, ...]]
) -> dict[str, Any]:
    """Return the schema of a value that may be absent, or that may be a number or one word."""
    options = [option for option in node["anyOf"] if option.get("type") != "null"]
    described = {key: value for key, value in node.items() if key not in ("anyOf", "default")}
    if len(options) == 1:
        return _convert({**options[0], **described}, definitions, rules)
    number, word = options
    return _number_or_word(number, word["const"], described.get("description", ""))


def _number_or_word(number: dict[str, Any], word: str, description: str) -> dict[str, Any]:
    low, high = number["minimum"], number["maximum"]
    rule = {
        "rule": f"type(self) == string ? self == '{word}' : (self >= {low} && self <= {high})",
        "message": f"must be {word} or a whole number from {low} to {high}; correct it",
    }
    return {"description": description, "x-kubernetes-int-or-string": True, "x-kubernetes-validations": [rule]}


def _properties(value: Any, definitions: dict[str, Any], rules: dict[str, tuple[Rule, ...]]) -> dict[str, Any]:  # noqa: ANN401
    return {"properties": {name: _convert(part, definitions, rules) for name, part in value.items()}}


def _items(value: Any, definitions: dict[str, Any], rules: dict[str, tuple[Rule, ...]]) -> dict[str, Any]:  # noqa: ANN401
    return {"items": _convert(value, definitions, rules)}


def _additional(value: Any, definitions: dict[str, Any], rules: dict[str, tuple[Rule, ...]]) -> dict[str, Any]:  # noqa: ANN401
    """Keep the values' schema of a map; the API server refuses unknown fields by itself."""
    return {"additionalProperties": _convert(value, definitions, rules)} if isinstance(value, dict) else {}


def _const(value: Any, _definitions: dict[str, Any], _rules: dict[str, tuple[Rule, ...]]) -> dict[str, Any]:  # noqa: ANN401
    return {"enum": [value]}


_CONVERTERS = {
    "properties": _properties,
    "items": _items,
    "additionalProperties": _additional,
    "const": _const,
}


def _without_nulls(value: object) -> object:
    """Drop absent fields from a default: the API server would store a null as a value."""
    if isinstance(value, dict):
        return {key: _without_nulls(part) for key, part in value.items() if part is not None}
    return value


def _exclusive_bounds(node: dict[str, Any]) -> dict[str, Any]:
    """Return bounds as OpenAPI 3.0 has them: exclusiveMinimum is a switch beside minimum."""
    bounds: dict[str, Any] = {}
    for limit in ("Minimum", "Maximum"):
        if f"exclusive{limit}" in node:
            bounds |= {limit.lower(): node.pop(f"exclusive{limit}"), f"exclusive{limit}": True}
    return bounds


def validation(rule: Rule) -> dict[str, str]:
    """Return a rule as an entry of x-kubernetes-validations."""
    entry = {"rule": rule.cel, "message": rule.message}
    return entry if rule.message_cel is None else entry | {"messageExpression": rule.message_cel}


def _ordered(node: dict[str, Any]) -> dict[str, Any]:
    """Put type and description first, so that people can read the file."""
    first = {key: node[key] for key in ("type", "description", "default") if key in node}
    return cast("dict[str, Any]", first | node)
