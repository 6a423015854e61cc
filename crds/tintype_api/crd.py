"""The CustomResourceDefinition of ModelVersion, generated from the models."""

from collections.abc import Iterable
from typing import Any, Final

import yaml

from tintype_api.constants import (
    GROUP,
    KIND,
    NAME_MAX_LENGTH,
    NAME_PATTERN,
    PLURAL,
    SHORT_NAME,
    SINGULAR,
    TERMINAL_PHASES,
    VERSION,
    Phase,
)
from tintype_api.modelversion import ModelVersion
from tintype_api.policy import status_policy, status_policy_binding
from tintype_api.schema import structural_schema, validation, without_defaults
from tintype_api.spec import ModelVersionSpec
from tintype_api.status import ModelVersionStatus

MUTABLE_FIELD: Final = "runPolicy"
JOB_FIELDS: Final = ("queueName", "queuePriorityClassName", "priorityClassName")
"""Fields of runPolicy that a Job has from its creation."""

_COLUMNS: Final = (
    ("Phase", "string", ".status.phase", 0),
    ("Progress", "string", ".status.progress.summary", 0),
    ("Indicator", "number", ".status.best.performanceIndicator", 0),
    ("Change", "number", ".status.comparison.change", 0),
    ("Age", "date", ".metadata.creationTimestamp", 0),
    ("View", "string", ".spec.view.name", 1),
    ("Of", "string", ".status.best.performanceIndicatorName", 1),
    ("Best", "number", ".status.best.epoch", 1),
    ("Architecture", "string", ".spec.training.architecture", 1),
    ("Model", "string", ".status.model", 1),
    ("Waiting", "string", ".status.conditions[?(@.type=='Waiting')].message", 1),
)
"""Name, type, path and priority; those of 0 fit into 80 columns beside a name of 21 letters, others are `-o wide`."""


def as_yaml(documents: Iterable[dict[str, Any]]) -> str:
    """Return manifests as the YAML in which they are committed and printed."""
    return yaml.dump_all(documents, Dumper=_WithoutAnchors, sort_keys=False, width=120)


class _WithoutAnchors(yaml.SafeDumper):
    """Writes equal parts out in full: people and other tools read the files."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  # PyYAML's own signature
        return True


def manifests() -> list[dict[str, Any]]:
    """Return what a cluster needs once: the CRD, and the admission policy of its status with its binding."""
    return [custom_resource_definition(), status_policy(), status_policy_binding()]


def custom_resource_definition() -> dict[str, Any]:
    """Return the CustomResourceDefinition."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": SINGULAR,
                "shortNames": [SHORT_NAME],
            },
            "versions": [_version()],
        },
    }


def _version() -> dict[str, Any]:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "selectableFields": [{"jsonPath": ".spec.view.name"}, {"jsonPath": ".status.phase"}],
        "additionalPrinterColumns": [
            {"name": name, "type": kind, "jsonPath": path, "priority": priority}
            for name, kind, path, priority in _COLUMNS
        ],
        "schema": {"openAPIV3Schema": _root()},
    }


def _root() -> dict[str, Any]:
    spec = structural_schema(ModelVersionSpec)
    spec["description"] = "What is trained, and how; everything but runPolicy is fixed at creation."
    _fix(spec)
    status = without_defaults(structural_schema(ModelVersionStatus))
    status["description"] = "What the operator and the trainer report."
    status["properties"]["conditions"] |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}
    return {
        "type": "object",
        "description": "One trained network of a model: kubectl apply it, and it is trained, evaluated and published.",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": status,
        },
        "x-kubernetes-validations": [_name(), _latch(), *_settled_before_a_run(), *map(validation, ModelVersion.rules)],
    }


def _fix(spec: dict[str, Any]) -> None:
    """Add the rules that keep all fields but one as they were created.

    A rule on a field does not see its removal, and costs the API server less at each write than one on all of spec:
    it stands where the field is always there, required or by its default.
    """
    for field, schema in sorted(spec["properties"].items()):
        if field == MUTABLE_FIELD:
            continue
        same = "self == oldSelf"
        place = schema
        if field not in spec["required"] and "default" not in schema:
            same = (
                f"has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || self.{field} == oldSelf.{field})"
            )
            place = spec
        message = f"{field} is fixed at creation; create another ModelVersion to change it"
        place.setdefault("x-kubernetes-validations", []).append({"rule": same, "message": message})


def _settled_before_a_run() -> list[dict[str, str]]:
    """Return a rule for each field of runPolicy that a Job has from its creation; at the root, for status is there.

    runPolicy and its suspend have defaults, so that they are always there.
    """
    phases = [phase.value for phase in (Phase.PENDING, Phase.SUSPENDED)]
    now, before = (f"{side}.spec.{MUTABLE_FIELD}" for side in ("self", "oldSelf"))
    nothing_runs = (
        f"{before}.suspend && (!has(oldSelf.status) || !has(oldSelf.status.phase) || oldSelf.status.phase in {phases})"
    )
    return [
        {
            "rule": f"(has({now}.{field}) == has({before}.{field}) "
            f"&& (!has({now}.{field}) || {now}.{field} == {before}.{field})) || ({nothing_runs})",
            "message": f"runPolicy.{field} can change only while nothing runs; set runPolicy.suspend to true and wait "
            "for the phase Suspended",
        }
        for field in JOB_FIELDS
    ]


def _name() -> dict[str, str]:
    return {
        "rule": f"size(self.metadata.name) <= {NAME_MAX_LENGTH} && self.metadata.name.matches('{NAME_PATTERN}')",
        "message": f"metadata.name must have at most {NAME_MAX_LENGTH} lower-case letters, digits and hyphens, "
        "and begin with a letter; choose another name",
    }


def _latch() -> dict[str, str]:
    """Return the rule that keeps a terminal phase; at the root, since a rule on status does not see its removal."""
    terminal = [phase.value for phase in TERMINAL_PHASES]
    return {
        "rule": "!has(oldSelf.status) || !has(oldSelf.status.phase) "
        f"|| !(oldSelf.status.phase in {terminal}) "
        "|| (has(self.status) && has(self.status.phase) && self.status.phase == oldSelf.status.phase)",
        "message": "status.phase: an ended version stays ended; create another ModelVersion to train again",
    }
