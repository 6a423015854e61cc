"""What the demo says of a status."""

from typing import Any

import pytest
from demo.watch import documents

from demo import wording
from tintype_api.status import ModelVersionStatus

EPOCH = {
    "epoch": 1.0,
    "iteration": 50,
    "learningRate": 0.001,
    "trainLoss": 0.5,
    "validationLoss": 0.25,
    "validationAccuracy": 0.875,
    "seconds": 61.0,
}
PROGRESS = {"summary": "epoch 1 of 6", "epoch": 1.0, "epochs": 6.0, "iteration": 50, "iterations": 300}
WAITING = {"type": "Waiting", "status": "True", "reason": "Unschedulable", "message": "0/1 nodes have 64 cpu"}
WAITING |= {"lastTransitionTime": "2026-01-01T00:00:00Z"}
COUNTS = {"digest": "sha256:0", "train": 1576, "validation": 394, "test": 654}


def status(**fields: object) -> ModelVersionStatus:
    return wording.parsed({"status": fields})


@pytest.mark.parametrize(
    ("before", "now", "lines"),
    [
        ({}, {}, []),
        ({}, {"phase": "Pending"}, ["Pending"]),
        ({"phase": "Pending"}, {"phase": "Pending"}, []),
        ({}, {"conditions": [WAITING]}, ["  Waiting: 0/1 nodes have 64 cpu"]),
        ({"conditions": [WAITING]}, {"conditions": [WAITING]}, []),
        ({"conditions": [WAITING]}, {"conditions": [WAITING | {"status": "False"}]}, []),
        ({}, {"dataset": COUNTS}, ["  1576 photographs for training, 394 validation, 654 test"]),
        (
            {"phase": "Training"},
            {"phase": "Training", "history": [EPOCH], "progress": PROGRESS},
            ["  epoch 1 of 6: training loss 0.500, validation loss 0.250, validation accuracy 87.50% (1:01)"],
        ),
        ({"history": [EPOCH]}, {"history": [EPOCH]}, []),
    ],
)
def test_each_thing_that_happens_is_said_once(before: dict[str, Any], now: dict[str, Any], lines: list[str]) -> None:
    assert list(wording.news(status(**before), status(**now))) == lines


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, "  waiting for the operator"),
        ({"phase": "Pending"}, "  Pending"),
        (
            {
                "phase": "Training",
                "stage": "Training",
                "progress": PROGRESS | {"examplesPerSecond": 41.6, "secondsLeft": 125},
                "metrics": {"batchLoss": 0.4567},
            },
            "  Training, epoch 1 of 6, step 50 of 300, batch loss 0.457, 42 photographs/s, 2:05 left",
        ),
    ],
)
def test_the_live_line_says_what_is_known(fields: dict[str, Any], line: str) -> None:
    assert wording.live(status(**fields)) == line


def test_the_accuracy_stands_with_its_interval_beside_the_published_ones() -> None:
    metrics = {"test": {"accuracy": 0.88, "accuracyInterval": [0.853, 0.903], "examples": 654}}
    test = status(metrics=metrics).metrics
    assert test is not None
    assert test.test is not None
    text = " ".join(wording.accuracy(test.test))
    assert "654 test photographs" in text
    assert "88.00% (95 % interval 85.3% to 90.3%)" in text
    assert "88.42 % (CNN) and 82.44 % (SVM)" in text
    assert "neighbours and no ranking" in text


def test_a_watch_is_a_row_of_documents() -> None:
    lines = ["{\n", '    "a": {\n', '        "b": 1\n', "    }\n", "}\n", "{\n", '    "a": 2\n', "}\n", "{\n"]
    assert list(documents(iter(lines))) == [{"a": {"b": 1}}, {"a": 2}]
