"""From a ModelVersion to the next one with the same options. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from tintype_api.constants import API_VERSION, GROUP, KIND, NAME_MAX_LENGTH
from tintype_api.errors import invalid_spec

ASKED_OF_A_RUN: Final = ("suspend", "stop")
"""Fields of runPolicy that were asked of the earlier version, and are no options of a training."""
_NUMBERED: Final = re.compile(r"(?P<stem>.*?)(?P<number>\d*)")
_FOREIGN_LABELS: Final = (f"{GROUP}/", "app.kubernetes.io/", "kueue.x-k8s.io/")
"""Written by the operator, or by whatever tool owns the earlier version."""


def next_name(name: str, taken: Iterable[str] = ()) -> str:
    """Return the name with the number after that of every name that differs from it in the number alone.

    A name without a number is the first of its kind, so that "bottles" is followed by "bottles-2".

    Raises:
        UserError: exit 64 where it would be too long.
    """
    stem, number = _parts(name)
    highest = max([number, *(other for of, other in map(_parts, taken) if of == stem)], key=lambda each: int(each or 1))
    following = str(int(highest or 1) + 1).zfill(len(number))
    found = f"{stem}{following}"
    if len(found) > NAME_MAX_LENGTH:
        raise invalid_spec(
            f"metadata.name: {found} is longer than {NAME_MAX_LENGTH} characters; choose one with --name"
        )
    return found


def next_version(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a version of another name with the same spec, without what the server and the operator have added.

    Labels stay, but for those of programs; namespace stays; status, annotations and all other metadata do not.
    """
    metadata = document.get("metadata") or {}
    labels = metadata.get("labels")
    kept = (
        {key: value for key, value in labels.items() if not str(key).startswith(_FOREIGN_LABELS)}
        if isinstance(labels, dict)
        else {}
    )
    spec = dict(document.get("spec") or {})
    policy = {key: value for key, value in (spec.pop("runPolicy", None) or {}).items() if key not in ASKED_OF_A_RUN}
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "name": name,
            **({"namespace": metadata["namespace"]} if metadata.get("namespace") else {}),
            **({"labels": kept} if kept else {}),
        },
        "spec": {**spec, **({"runPolicy": policy} if policy else {})},
    }


def _parts(name: str) -> tuple[str, str]:
    found = _NUMBERED.fullmatch(name)
    assert found is not None, "it matches every name"
    # bottles and bottles-2 are of one kind.
    return (found["stem"], found["number"]) if found["number"] else (f"{name}-", "")
