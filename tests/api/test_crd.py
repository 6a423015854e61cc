"""The generated manifests are current, structural, and hold the rules that the models hold."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from support.modelversions import modelversion
from tintype_api.constants import OPERATOR_STATUS_FIELDS, TRAINER_STATUS_FIELDS
from tintype_api.crd import as_yaml, custom_resource_definition, manifests
from tintype_api.policy import status_policy, status_policy_binding
from tintype_api.status import ModelVersionStatus, OperatorStatus, TrainerStatus

CRDS = Path(__file__).parents[2] / "crds"


@pytest.mark.parametrize(
    ("file", "documents"),
    [
        ("modelversions.tintype.dev.yaml", [custom_resource_definition()]),
        ("status-policy.tintype.dev.yaml", [status_policy(), status_policy_binding()]),
    ],
)
def test_committed_manifests_are_current(file: str, documents: list[dict[str, Any]]) -> None:
    assert (CRDS / file).read_text() == as_yaml(documents), "stale: run `make generate`"


def test_manifests_are_all_that_a_cluster_needs_once() -> None:
    kinds = [manifest["kind"] for manifest in manifests()]
    assert kinds == ["CustomResourceDefinition", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"]


def root() -> dict[str, Any]:
    schema: dict[str, Any] = custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def parts(schema: dict[str, Any], path: str = "") -> list[tuple[str, dict[str, Any]]]:
    found = [(path, schema)]
    for name, part in schema.get("properties", {}).items():
        found += parts(part, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            found += parts(schema[key], f"{path}[]")
    return found


def test_schema_is_structural() -> None:
    for path, part in parts(root()):
        assert "type" in part or part.get("x-kubernetes-int-or-string"), path
        assert not {"$ref", "anyOf", "oneOf", "title", "prefixItems", "const"} & set(part), path


def test_every_list_and_string_of_spec_is_bounded() -> None:
    for path, part in parts(root()["properties"]["spec"]):
        match part.get("type"):
            case "string":
                assert "maxLength" in part or "enum" in part, path
            case "array":
                assert "maxItems" in part, path


def test_every_field_is_described() -> None:
    spec = root()["properties"]["spec"]
    undescribed = [
        path for path, part in parts(spec) if "description" not in part and not re.search(r"\[\]|podTemplate", path)
    ]
    assert undescribed == []


def test_every_field_but_run_policy_is_fixed() -> None:
    spec = root()["properties"]["spec"]
    places = [spec, *spec["properties"].values()]
    rules = [rule for place in places for rule in place.get("x-kubernetes-validations", [])]
    fixed = {rule["message"].split()[0] for rule in rules if "oldSelf" in rule["rule"]}
    assert fixed == set(spec["properties"]) - {"runPolicy"}


def test_what_a_job_has_from_its_creation_changes_only_while_nothing_runs() -> None:
    rules = [rule for rule in root()["x-kubernetes-validations"] if "while nothing runs" in rule["message"]]
    assert [rule["message"].split()[0] for rule in rules] == [
        "runPolicy.queueName",
        "runPolicy.queuePriorityClassName",
        "runPolicy.priorityClassName",
    ]


def test_status_has_two_writers_with_disjoint_fields() -> None:
    wire = {model: {field.alias for field in model.model_fields.values()} for model in (OperatorStatus, TrainerStatus)}
    assert wire[OperatorStatus] == set(OPERATOR_STATUS_FIELDS)
    assert wire[TrainerStatus] == set(TRAINER_STATUS_FIELDS)
    assert set(root()["properties"]["status"]["properties"]) == wire[OperatorStatus] | wire[TrainerStatus]
    assert len(ModelVersionStatus.model_fields) == len(OPERATOR_STATUS_FIELDS) + len(TRAINER_STATUS_FIELDS)


def test_schema_admits_the_smallest_version() -> None:
    jsonschema.validate(modelversion(), yaml.safe_load(yaml.safe_dump(root())), cls=jsonschema.Draft4Validator)


def test_only_the_operators_fields_are_barred_by_the_policy() -> None:
    messages = [validation["message"] for validation in status_policy()["spec"]["validations"][1:]]
    assert [message.split()[0] for message in messages] == [f"status.{field}" for field in OPERATOR_STATUS_FIELDS]
