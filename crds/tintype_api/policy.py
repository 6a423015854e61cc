"""The admission policy that lets a training Pod write the trainer's fields of its own version's status, and no more.

It runs in the API server as CEL: no webhook and no certificate. Whoever may `operate` modelversions, which only the
operator's Role has, passes; everyone else must be the Pod that the operator has named in status.job.podUID.
"""

from typing import Any, Final

from tintype_api.constants import (
    GROUP,
    OPERATE_VERB,
    OPERATOR_STATUS_FIELDS,
    PLURAL,
    SELF_TEST_FIELD_MANAGER,
    STATUS_POLICY,
)

_POD_UID: Final = "authentication.kubernetes.io/pod-uid"
_NOT_AN_OPERATOR: Final = (
    f"!authorizer.group('{GROUP}').resource('{PLURAL}').namespace(request.namespace).check('{OPERATE_VERB}').allowed() "
    f"|| (has(request.options) && has(request.options.fieldManager) "
    f"&& request.options.fieldManager == '{SELF_TEST_FIELD_MANAGER}')"
)
_CURRENT_POD: Final = (
    f"has(request.userInfo.extra) && '{_POD_UID}' in request.userInfo.extra "
    "&& has(oldObject.status) && has(oldObject.status.job) && has(oldObject.status.job.podUID) "
    f"&& oldObject.status.job.podUID == request.userInfo.extra['{_POD_UID}'][0]"
)


def status_policy() -> dict[str, Any]:
    """Return the ValidatingAdmissionPolicy."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": STATUS_POLICY},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [GROUP],
                        "apiVersions": ["*"],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": [f"{PLURAL}/status"],
                    }
                ]
            },
            "matchConditions": [{"name": "not-an-operator", "expression": _NOT_AN_OPERATOR}],
            "validations": [
                {
                    "expression": _CURRENT_POD,
                    "message": "only the Pod of the version's current attempt may report on it; "
                    "leave status to the operator and the trainer",
                },
                *(_operators_own(field) for field in OPERATOR_STATUS_FIELDS),
            ],
        },
    }


def status_policy_binding() -> dict[str, Any]:
    """Return the binding that puts the policy in force everywhere."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": STATUS_POLICY},
        "spec": {"policyName": STATUS_POLICY, "validationActions": ["Deny"]},
    }


def _operators_own(field: str) -> dict[str, str]:
    return {
        "expression": f"has(object.status) && object.status.?{field} == oldObject.status.?{field}",
        "message": f"status.{field} is the operator's; a training Pod may not change it",
    }
