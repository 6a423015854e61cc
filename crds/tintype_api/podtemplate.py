"""What a user may add to the training Pod: an allow-list, in Kubernetes' own names."""

from typing import Annotated, Literal

from pydantic import Field

from tintype_api.model import Model

LabelKey = Annotated[str, Field(min_length=1, max_length=317)]
LabelValue = Annotated[str, Field(max_length=63)]
ObjectName = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=253)]


class Toleration(Model):
    """A taint that the Pod tolerates."""

    key: Annotated[str | None, Field(max_length=317)] = None
    operator: Literal["Exists", "Equal"] | None = None
    value: Annotated[str | None, Field(max_length=63)] = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    toleration_seconds: Annotated[int | None, Field(ge=0, le=2**31 - 1)] = None


class LocalObjectReference(Model):
    """A Secret in the version's namespace, by name."""

    name: ObjectName


class PodTemplate(Model):
    """Where and as whom the training Pod runs."""

    node_selector: Annotated[dict[LabelKey, LabelValue], Field(max_length=16, default_factory=dict)]
    """Labels that the node must have."""
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=16)] = ()
    """Taints that the Pod tolerates."""
    service_account_name: ObjectName = "default"
    """ServiceAccount of the Pod, for access to storage; it needs no rights in Kubernetes."""
    image_pull_secrets: Annotated[tuple[LocalObjectReference, ...], Field(max_length=8)] = ()
    """Secrets for the image registry."""
