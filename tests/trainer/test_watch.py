"""`tintype watch`: what is shown of a version in a cluster, from what kubectl says of it."""

import json
from typing import Any

import pytest

from support.kubectl import Kubectl, kubectl
from tintype_trainer.commandline import run_command_line
from tintype_trainer.interruption import Interruption
from tintype_trainer.watching import kubectl as module

__all__ = ["kubectl"]


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE_S", 0.0)


def condition(kind: str, message: str, status: str = "True") -> dict[str, Any]:
    return {
        "type": kind,
        "status": status,
        "reason": "Any",
        "message": message,
        "lastTransitionTime": "2026-11-01T00:00:00Z",
    }


def epoch(number: int) -> dict[str, Any]:
    return {
        "epoch": number,
        "iteration": 20 * number,
        "learningRate": 0.1,
        "trainLoss": 1 / number,
        "validationLoss": 0.8,
        "validationAccuracy": 0.7 + number / 100,
        "seconds": 12,
    }


def progress(iteration: int) -> dict[str, Any]:
    return {
        "summary": f"epoch {iteration // 20 + 1} of 6",
        "epoch": iteration / 20,
        "epochs": 6,
        "iteration": iteration,
        "iterations": 120,
        "examplesPerSecond": 40.0,
        "secondsLeft": 75.0,
    }


def best(number: int) -> dict[str, Any]:
    return {
        "epoch": number,
        "iteration": 20 * number,
        "selectedBy": "accuracy",
        "performanceIndicator": 0.7 + number / 100,
        "performanceIndicatorName": "accuracy",
    }


DATASET = {"digest": "sha256:0", "train": 60, "validation": 15, "test": 25}
WAITING = condition("Waiting", "no node has a free GPU; wait, or ask for fewer")
LIFE = [
    {},
    {"phase": "Pending", "conditions": [WAITING]},
    {"phase": "Pending", "conditions": [WAITING]},
    {"phase": "Preparing", "stage": "Preparing", "conditions": [condition("Waiting", "", "False")]},
    {"phase": "Training", "stage": "Training", "dataset": DATASET, "progress": progress(10)},
    {
        "phase": "Training",
        "stage": "Training",
        "dataset": DATASET,
        "progress": progress(65),
        "history": [epoch(1), epoch(2), epoch(3)],
        "best": best(3),
        "fromANewerTintype": {"a": 1},
    },
    {"phase": "Evaluating", "stage": "Evaluating", "dataset": DATASET, "history": [epoch(1), epoch(2), epoch(3)]},
    {
        "phase": "Succeeded",
        "stage": "Publishing",
        "dataset": DATASET,
        "history": [epoch(1), epoch(2), epoch(3)],
        "metrics": {"test": {"loss": 0.5, "accuracy": 0.7, "examples": 25}},
        "conditions": [condition("Complete", "published s3://models/default/bottles-1")],
    },
]
LINES = """\
pending
waiting: no node has a free GPU; wait, or ask for fewer
preparing ...
training ...
data set: 60 train, 15 validation, 25 test
epoch 1 of 6: train loss 1.0000, validation loss 0.8000, accuracy 0.7100, 12.0 s
epoch 2 of 6: train loss 0.5000, validation loss 0.8000, accuracy 0.7200, 12.0 s
epoch 3 of 6: train loss 0.3333, validation loss 0.8000, accuracy 0.7300 (best), 40.0 examples/s, 12.0 s
evaluating ...
test: loss 0.5000, accuracy 0.7000, 25 examples
bottles-1 has succeeded: published s3://models/default/bottles-1
"""


def events(*statuses: dict[str, Any], kind: str = "MODIFIED") -> str:
    documents = [
        {"type": kind, "object": {"metadata": {"name": "bottles-1"}, **({"status": status} if status else {})}}
        for status in statuses
    ]
    return "".join(json.dumps(document) + "\n" for document in documents)


@pytest.mark.parametrize("indent", [None, 4])
def test_documents_in_one_line_or_in_several(indent: int | None) -> None:
    written = [{"a": {"b": [{}, {"c": "}\n"}]}}, {}, {"d": 1}]
    text = "".join(json.dumps(document, indent=indent) + "\n" for document in written)
    assert list(module.documents(iter(text.splitlines(keepends=True)))) == written


def _watch(*arguments: str) -> int:
    return run_command_line(["watch", "bottles-1", *arguments], Interruption())


def test_a_whole_life(kubectl: Kubectl, capsys: pytest.CaptureFixture[str]) -> None:
    kubectl.answers(events(*LIFE))
    assert _watch("-n", "vision", "--context", "kind") == 0
    assert capsys.readouterr().out == LINES
    assert kubectl.called == [
        "get modelversions.tintype.dev --context kind --namespace vision --output=json --watch "
        "--output-watch-events -- bottles-1"
    ]


def test_a_watch_that_ends_is_begun_again_and_says_nothing_twice(
    kubectl: Kubectl, capsys: pytest.CaptureFixture[str]
) -> None:
    kubectl.answers(events(*LIFE[:4]))
    kubectl.refuses("Unable to connect to the server: net/http: TLS handshake timeout")
    kubectl.answers(events(*LIFE[3:6], kind="ADDED"), events(*LIFE[5:]))
    assert _watch() == 0
    assert capsys.readouterr().out == LINES
    assert len(kubectl.called) == 4


def test_one_who_comes_late_sees_what_was(kubectl: Kubectl, capsys: pytest.CaptureFixture[str]) -> None:
    kubectl.answers(events(*LIFE[5:]))
    assert _watch() == 0
    assert capsys.readouterr().out == LINES[LINES.index("training ...") :]


@pytest.mark.parametrize(
    ("status", "code", "out", "error"),
    [
        (
            {"phase": "Failed", "conditions": [condition("Failed", "dataset.uri: there is none; correct it")]},
            1,
            "",
            "tintype: error: bottles-1 has failed: dataset.uri: there is none; correct it\n",
        ),
        ({"phase": "Failed"}, 1, "", "tintype: error: bottles-1 has failed\n"),
        (
            {"phase": "Stopped", "conditions": [condition("Complete", "runPolicy.stop ended the training")]},
            0,
            "bottles-1 was stopped: runPolicy.stop ended the training\n",
            "",
        ),
    ],
    ids=["failed", "failed without a word", "stopped"],
)
def test_how_it_ends(
    status: dict[str, Any], code: int, out: str, error: str, kubectl: Kubectl, capsys: pytest.CaptureFixture[str]
) -> None:
    kubectl.answers(events(status))
    assert _watch() == code
    said = capsys.readouterr()
    assert (said.out, said.err) == (out, error)


def test_a_version_that_is_deleted(kubectl: Kubectl, capsys: pytest.CaptureFixture[str]) -> None:
    kubectl.answers(events(LIFE[1]) + events(LIFE[1], kind="DELETED"))
    assert _watch() == 1
    assert capsys.readouterr().err == "tintype: error: bottles-1 was deleted; nothing is left to watch\n"


def test_attempts_and_retries_are_told(kubectl: Kubectl, capsys: pytest.CaptureFixture[str]) -> None:
    retrying = condition("Retrying", "the Pod was evicted; it goes on from epoch 2")
    lost = {"phase": "Pending", "stage": "Training", "attempt": 2, "conditions": [retrying]}
    kubectl.answers(events({"phase": "Training", "stage": "Training"}, lost, {**lost, "phase": "Training"}, LIFE[7]))
    assert _watch() == 0
    assert capsys.readouterr().out.splitlines()[:4] == [
        "training ...",
        "pending, attempt 2",
        "retrying: the Pod was evicted; it goes on from epoch 2",
        "training ...",
    ]


@pytest.mark.parametrize(
    ("said", "code", "words"),
    [
        (
            'Error from server (NotFound): modelversions.tintype.dev "bottles-1" not found',
            66,
            "there is no ModelVersion 'bottles-1' in the namespace vision; `kubectl get mv --all-namespaces` lists all",
        ),
        (
            'error: the server doesn\'t have a resource type "modelversions"',
            78,
            "the cluster does not know ModelVersions",
        ),
        ('error: context "nowhere" does not exist', 78, 'kubectl: context "nowhere" does not exist; see to it'),
        ("", 78, "kubectl: it failed and said nothing"),
    ],
    ids=["no version", "no CRD", "no context", "no word"],
)
def test_what_kubectl_refuses_is_one_sentence(
    said: str, code: int, words: str, kubectl: Kubectl, capsys: pytest.CaptureFixture[str]
) -> None:
    kubectl.refuses(said)
    assert _watch("-n", "vision") == code
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_there_is_no_kubectl(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert _watch() == 78
    error = capsys.readouterr().err
    assert error.startswith("tintype: error: kubectl cannot be started")
    assert error.count("\n") == 1


def test_a_status_that_is_not_known(kubectl: Kubectl, capsys: pytest.CaptureFixture[str]) -> None:
    kubectl.answers(events({"phase": "Dreaming"}))
    assert _watch() == 65
    assert "bottles-1: its status is none that this tintype knows" in capsys.readouterr().err
