import json
from pathlib import Path

import httpx
import pytest

from tintype_api.constants import Stage
from tintype_api.errors import UserError
from tintype_api.modelversion import Metadata
from tintype_api.status import TrainerStatus
from tintype_trainer.reporting.apiserver import ApiServer, StatusClient, StatusNotTakenError, in_cluster_server

METADATA = Metadata(name="bottles-1", namespace="team", uid="5c1d")
STATUS = TrainerStatus(stage=Stage.TRAINING)


def _client(folder: Path, answer: httpx.Response | Exception, seen: list[httpx.Request]) -> StatusClient:
    (folder / "token").write_text("first\n")

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    server = ApiServer("https://kubernetes.test:443", folder / "token", folder / "ca.crt")
    return StatusClient(server, METADATA, httpx.MockTransport(handle))


def test_what_is_sent(tmp_path: Path) -> None:
    seen: list[httpx.Request] = []
    client = _client(tmp_path, httpx.Response(200, json={}), seen)
    client.apply(STATUS)
    (tmp_path / "token").write_text("second")
    client.apply(STATUS)

    reading, request, again = seen
    assert json.loads(reading.content) == {
        "apiVersion": "tintype.dev/v1alpha1",
        "kind": "ModelVersion",
        "metadata": {"name": "bottles-1", "namespace": "team", "uid": "5c1d"},
    }
    assert reading.url.params["fieldManager"] == "tintype-trainer-reader"
    assert request.method == "PATCH"
    assert str(request.url) == (
        "https://kubernetes.test/apis/tintype.dev/v1alpha1/namespaces/team/modelversions/bottles-1/status"
        "?fieldManager=tintype-trainer&force=true&fieldValidation=Strict"
    )
    assert request.headers["content-type"] == "application/apply-patch+yaml"
    assert json.loads(request.content) == {
        "apiVersion": "tintype.dev/v1alpha1",
        "kind": "ModelVersion",
        "metadata": {"name": "bottles-1", "namespace": "team", "uid": "5c1d"},
        "status": {"stage": "Training", "concepts": [], "history": []},
    }
    assert [each.headers["authorization"] for each in (request, again)] == ["Bearer first", "Bearer second"]


def test_what_an_earlier_pod_has_reported_stays_until_this_one_says_otherwise(tmp_path: Path) -> None:
    entry = {"epoch": 1, "iteration": 9, "learningRate": 0.1, "trainLoss": 0.5, "seconds": 3}
    progress = {"summary": "epoch 2 of 3", "epoch": 1.5, "epochs": 3, "iteration": 14, "iterations": 27}
    checkpoint = {"epoch": 1.5, "iteration": 14, "uri": "s3://models/a", "sizeBytes": 7}
    before = {
        "stage": "Training",
        "history": [entry],
        "progress": progress,
        "checkpoint": checkpoint,
        "phase": "Pending",
    }
    seen: list[httpx.Request] = []
    client = _client(tmp_path, httpx.Response(200, json={"status": before}), seen)
    client.apply(TrainerStatus(stage=Stage.PREPARING))
    client.apply(TrainerStatus(stage=Stage.TRAINING, progress=None))
    first, second = (json.loads(request.content)["status"] for request in seen[1:])
    kept = {"history": [entry], "checkpoint": checkpoint, "concepts": []}
    assert first == {"stage": "Preparing", "progress": progress, **kept}
    assert second == {"stage": "Training", **kept}


def test_a_status_that_is_not_understood_is_begun_anew(tmp_path: Path) -> None:
    seen: list[httpx.Request] = []
    client = _client(tmp_path, httpx.Response(200, json={"status": {"history": [{"epoch": "many"}]}}), seen)
    client.apply(STATUS)
    assert json.loads(seen[1].content)["status"] == {"stage": "Training", "concepts": [], "history": []}


@pytest.mark.parametrize(
    ("answer", "asked"),
    [
        ({"spec": {"runPolicy": {"stop": True}}}, True),
        ({"spec": {"runPolicy": {"stop": False}}}, False),
        ({"spec": {"runPolicy": {}}}, False),
        ({}, False),
    ],
)
def test_the_answer_tells_whether_a_stop_is_asked_for(tmp_path: Path, answer: object, asked: bool) -> None:
    assert _client(tmp_path, httpx.Response(200, json=answer), []).apply(STATUS) is asked


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(403, json={"kind": "Status", "message": "not your version"}), "HTTP 403: not your version"),
        (httpx.Response(502, text="<html>bad gateway</html>"), "HTTP 502: <html>bad gateway"),
        (httpx.ConnectError("connection refused"), "ConnectError: connection refused"),
        (httpx.ReadTimeout("too slow"), "ReadTimeout: too slow"),
    ],
)
def test_what_is_not_taken(tmp_path: Path, answer: httpx.Response | Exception, words: str) -> None:
    with pytest.raises(StatusNotTakenError, match=words):
        _client(tmp_path, answer, []).apply(STATUS)


def test_a_token_that_is_gone_is_told_of(tmp_path: Path) -> None:
    client = _client(tmp_path, httpx.Response(200, json={}), [])
    (tmp_path / "token").unlink()
    with pytest.raises(StatusNotTakenError, match="token"):
        client.apply(STATUS)


def test_the_clusters_server(tmp_path: Path) -> None:
    (tmp_path / "token").touch()
    (tmp_path / "ca.crt").touch()
    environment = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"}
    assert in_cluster_server(environment, tmp_path).url == "https://[fd00::1]:6443"
    for known, folder in (({}, tmp_path), (environment, tmp_path / "nowhere")):
        with pytest.raises(UserError, match="cannot report its status") as caught:
            in_cluster_server(known, folder)
        assert caught.value.exit_code == 78
