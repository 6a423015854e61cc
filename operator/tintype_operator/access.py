"""Lets training Pods report: a RoleBinding for each namespace and ServiceAccount, made when it is first needed.

The role lets a Pod write any status in its namespace; only the admission policy narrows that to its own version. So
nothing is bound before the policy was seen to answer. The proof is a write that only the policy can refuse: a dry run
of the operator's own status, which it may write, under a field manager that the policy takes for nobody's operator.
"""

import asyncio
import time
from typing import Final

from tintype_api.constants import (
    API_VERSION,
    KIND,
    LABEL_MANAGED_BY,
    MANAGED_BY,
    SELF_TEST_FIELD_MANAGER,
    STATUS_POLICY,
    TRAINER_CLUSTER_ROLE,
)
from tintype_operator.apierror import ApiError
from tintype_operator.client import MODELVERSIONS, ROLE_BINDINGS, Client, Object
from tintype_operator.facts import VersionFacts
from tintype_operator.names import role_binding_name

_REMEMBERED_S: Final = 300.0


class PolicyMissingError(Exception):
    """The admission policy does not answer, so that no Pod may be let in."""

    def __init__(self) -> None:
        super().__init__(
            f"the ValidatingAdmissionPolicy {STATUS_POLICY} does not answer; install it with its binding "
            "(the chart does): until then training Pods cannot report"
        )


class Access:
    """Remembers for a few minutes what it has made and seen; then it looks again."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._bound: dict[tuple[str, str], float] = {}
        self._policy_seen: float | None = None
        self._one_at_a_time = asyncio.Lock()

    async def ensure(self, version: VersionFacts, service_account: str) -> None:
        """Let the Pods of a ServiceAccount in the version's namespace report.

        Raises:
            PolicyMissingError: where the policy does not answer.
            ApiError: where the API server refuses or does not answer.
        """
        async with self._one_at_a_time:
            await self._ensure(version, service_account)

    async def _ensure(self, version: VersionFacts, service_account: str) -> None:
        wanted = (version.key.namespace, service_account)
        if _fresh(self._bound.get(wanted)):
            return
        await self._see_policy(version)
        try:
            await self._client.create(ROLE_BINDINGS, version.key.namespace, role_binding(*wanted))
        except ApiError as error:
            if not error.exists:
                raise
        self._bound[wanted] = time.monotonic()

    async def _see_policy(self, version: VersionFacts) -> None:
        if _fresh(self._policy_seen):
            return
        namespace, name = version.key
        body: Object = {"apiVersion": API_VERSION, "kind": KIND, "status": {"stage": "Preparing"}}
        try:
            await self._client.apply_status(
                MODELVERSIONS, namespace, name, body, manager=SELF_TEST_FIELD_MANAGER, dry_run=True
            )
        except ApiError as error:
            if f"'{STATUS_POLICY}'" not in error.message:
                raise
        else:
            raise PolicyMissingError
        self._policy_seen = time.monotonic()


def role_binding(namespace: str, service_account: str) -> Object:
    """Return the RoleBinding of a ServiceAccount to the role of training Pods."""
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {
            "name": role_binding_name(service_account),
            "namespace": namespace,
            "labels": {LABEL_MANAGED_BY: MANAGED_BY},
        },
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": TRAINER_CLUSTER_ROLE},
        "subjects": [{"kind": "ServiceAccount", "name": service_account, "namespace": namespace}],
    }


def _fresh(since: float | None) -> bool:
    return since is not None and time.monotonic() - since < _REMEMBERED_S
