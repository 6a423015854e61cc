"""Objects that nobody would write by hand: each is refused or told why it waits or fails, and holds up none other."""

import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import devcluster
from support.hostile import hostile_documents, hostile_statuses
from support.kube import VERSIONS, Kube, eventually
from support.operator_process import OperatorProcess, install
from support.played import Played
from tintype_api.constants import TERMINAL_PHASES
from tintype_api.crd import custom_resource_definition

NAMESPACE = "hostile"
BATCH = 250
STORED = 300


@pytest.fixture
def operator(fragile: devcluster.Cluster, tmp_path: Path) -> Iterator[OperatorProcess]:
    kube = Kube(fragile.kubeconfig)
    kubeconfig = install(fragile, kube, [NAMESPACE], tmp_path, {})
    process = OperatorProcess(kubeconfig, [NAMESPACE], tmp_path / "log.txt")
    process.start()
    yield process
    process.stop()
    kube.must("DELETE", VERSIONS.format(NAMESPACE))
    eventually(lambda: kube.items(VERSIONS.format(NAMESPACE)) == [], within_s=60)
    kube.close()


@pytest.fixture
def played(fragile: devcluster.Cluster) -> Iterator[Played]:
    kube = Kube(fragile.kubeconfig)
    yield Played(kube, NAMESPACE)
    kube.close()


def told(version: dict[str, Any]) -> bool:
    """Return whether a version's status says in a sentence how it stands."""
    conditions = _part(version, "status").get("conditions")
    messages = [
        one.get("message")
        for one in (conditions if isinstance(conditions, list) else [])
        if isinstance(one, dict) and one.get("status") == "True"
    ]
    return any(isinstance(message, str) and message and "\n" not in message for message in messages)


def _part(version: dict[str, Any], name: str) -> dict[str, Any]:
    part = version.get(name)
    return part if isinstance(part, dict) else {}


def test_what_the_api_server_takes_ends_in_a_sentence(
    operator: OperatorProcess,
    played: Played,
    full: bool,
) -> None:
    documents, taken, refused = hostile_documents(seed=0), 0, 0
    for batch in range((10_000 if full else 500) // BATCH):
        names = []
        for document in itertools.islice(documents, BATCH):
            answer = played.kube.request("POST", played.versions, document)
            assert answer.code in {201, 400, 403, 422}, (document, answer)
            refused += answer.code != 201
            if answer.code == 201:
                names.append(answer.body["metadata"]["name"])
        taken += len(names)
        good = f"good-{batch}"
        played.apply(good)
        eventually(lambda: played.job(good), within_s=20)  # noqa: B023
        _until_all_are_told(played, {*names, good})
        played.kube.must("DELETE", played.versions)
        eventually(lambda: played.kube.items(played.versions) == [], within_s=60)
    assert "Traceback" not in operator.said()
    assert "this should not happen" not in operator.said()
    assert min(taken, refused) > 50, (taken, refused)
    print(f"{taken} taken, {refused} refused")


def _until_all_are_told(played: Played, names: set[str]) -> None:
    def untold() -> list[str]:
        return [one["metadata"]["name"] for one in played.kube.items(played.versions) if not told(one)]

    assert {one["metadata"]["name"] for one in played.kube.items(played.versions)} == names
    assert eventually(untold, lambda left: not left, within_s=90) == []


def test_what_an_older_schema_has_stored_crashes_nothing(
    operator: OperatorProcess, played: Played, fragile: devcluster.Cluster, tmp_path: Path
) -> None:
    operator.stop()
    crd = custom_resource_definition()
    _apply(fragile, _without_rules(crd), tmp_path)
    names = _store(played)
    _apply(fragile, crd, tmp_path)
    operator.start()
    played.apply("good")
    eventually(lambda: played.job("good"), within_s=30)
    eventually(lambda: operator.metric("tintype_operator_queue_depth") == 0, within_s=60)

    def silent() -> list[str]:
        log = operator.said()
        found = {one["metadata"]["name"]: one for one in played.kube.items(played.versions)}
        left = [name for name in names if not told(found[name]) and f"/{name}: " not in log]
        return [name for name in left if _part(found[name], "status").get("phase") not in TERMINAL_PHASES]

    assert eventually(silent, lambda left: not left, within_s=60) == []
    assert "Traceback" not in operator.said()
    assert operator.http("/healthz")[0] == 200
    assert operator.http("/metrics")[0] == 200


def _store(played: Played) -> list[str]:
    """Create objects and statuses that today's schema would refuse; return the names of those that were stored."""
    names: list[str] = []
    everything = zip(hostile_documents(seed=1, spec_only=True), hostile_statuses(seed=2), strict=False)
    for document, status in itertools.islice(everything, STORED):
        answer = played.kube.request("POST", played.versions, document)
        if answer.code == 201:
            name = answer.body["metadata"]["name"]
            names.append(name)
            played.kube.patch_status(f"{played.versions}/{name}", status)
    assert len(names) > STORED / 2
    return names


def _without_rules(crd: dict[str, Any]) -> dict[str, Any]:
    """Return a CRD that takes whatever is an object."""
    loose: dict[str, Any] = yaml.safe_load(yaml.safe_dump(crd))
    free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    for version in loose["spec"]["versions"]:
        version["schema"]["openAPIV3Schema"] = {"type": "object", "properties": {"spec": free, "status": free}}
        version.pop("selectableFields", None)
        version.pop("additionalPrinterColumns", None)
    return loose


def _apply(cluster: devcluster.Cluster, crd: dict[str, Any], folder: Path) -> None:
    path = folder / "crd.yaml"
    path.write_text(yaml.safe_dump(crd))
    kubectl = [str(cluster.programs / "kubectl"), f"--kubeconfig={cluster.kubeconfig}", "apply", "--server-side"]
    subprocess.run([*kubectl, "--force-conflicts", "-f", str(path)], check=True, capture_output=True, timeout=60)
    subprocess.run(
        [*kubectl[:2], "wait", "--for=condition=Established", "crd/modelversions.tintype.dev"],
        check=True,
        capture_output=True,
        timeout=60,
    )
