"""Objects that nobody would write by hand: valid ones, of which parts are replaced, removed, added and repeated."""

import copy
import random
from collections.abc import Iterator, Sequence
from typing import Any, Final

from support.modelversions import modelversion
from support.option_cases import document_of, option_rows

Document = dict[str, Any]

ODD: Final[Sequence[Any]] = (
    None,
    True,
    0,
    -1,
    1,
    2**31,
    2**63 - 1,
    2**63,
    -(2**63),
    0.1,
    1e308,
    -1e-300,
    "",
    " ",
    "x" * 300,
    "é" * 2_000,
    "a\nb\tc",
    "\u202egnirts",
    "💥",
    "１２",
    "NaN",
    "null",
    "../../etc/passwd",
    "$(HOSTNAME) {{ .Values }} %s {0}",
    "<script>alert(1)</script>",
    "s3://",
    "s3://bucket",
    "file:///",
    "9" * 40,
    "1e999",
    "-1Gi",
    "PT0S",
    [],
    {},
    [[]],
    [None],
    {"": ""},
    {"name": None},
    [{"type": "HorizontalFlip"}] * 3,
)
"""Values that may stand where others are expected."""
FULL: Final[Document] = modelversion(
    {
        "metadata.labels": {"team": "a"},
        "spec.training": {"epochs": 3, "batchSize": 8, "optimizer": {"type": "AdamW", "learningRate": 0.001}},
        "spec.compute": {"gpus": 1, "cpu": "2", "memory": "4Gi"},
        "spec.runPolicy": {"preflight": "Never", "backoffLimit": 2, "queueName": "team-a", "maxDuration": "1h"},
        "spec.storage": {"credentialsSecret": "s3", "endpoint": "https://s3.example.com"},
        "spec.podTemplate": {
            "labels": {"team": "a"},
            "nodeSelector": {"gpu": "a100"},
            "tolerations": [{"key": "gpu", "operator": "Exists"}],
            "serviceAccountName": "trainer",
        },
    }
)


def hostile_documents(seed: int, spec_only: bool = False) -> Iterator[Document]:
    """Yield such objects for ever, each with a name of its own, or a name that cannot be."""
    draw = random.Random(seed)
    rows, _ = option_rows()
    bases = [FULL, *(document_of(row) for row in rows)]
    number = 0
    while True:
        document = copy.deepcopy(draw.choice(bases))
        document["metadata"]["name"] = f"hostile-{number}"
        number += 1
        for _ in range(draw.choice((1, 1, 1, 2, 3))):
            inside = "spec" in document and (spec_only or draw.random() < 0.9)
            _mutate(document["spec"] if inside else document, draw)
        yield document


def hostile_statuses(seed: int) -> Iterator[Document]:
    """Yield statuses, of which some fields are of no kind that was ever written."""
    draw = random.Random(seed)
    valid: Document = {
        "phase": "Training",
        "stage": "Training",
        "attempt": 1,
        "observedGeneration": 1,
        "job": {"name": "x-1", "uid": "u", "podUID": "p"},
        "startTime": "2026-01-01T00:00:00Z",
        "conditions": [{"type": "Waiting", "status": "True", "reason": "Pending", "message": "m"}],
        "progress": {"epoch": 1.5, "iteration": 3, "summary": "s"},
        "best": {"epoch": 1, "performanceIndicator": 0.5, "performanceIndicatorName": "accuracy"},
        "metrics": {"validation": {"loss": 0.1, "accuracy": 0.9}},
        "history": [{"epoch": 1}],
    }
    while True:
        status = copy.deepcopy(valid)
        for _ in range(draw.choice((0, 1, 2, 4))):
            _mutate(status, draw)
        yield status


def _mutate(document: Document, draw: random.Random) -> None:
    places = list(_places(document))
    if not places:
        return
    place, key = draw.choice(places)
    match draw.randrange(5):
        case 0:
            del place[key]
        case 1 if isinstance(place, dict):
            place[draw.choice(("unknown", "", "a" * 70, "💥"))] = copy.deepcopy(draw.choice(ODD))
        case 2 if isinstance(place[key], list):
            place[key] = place[key] * draw.choice((2, 50))
        case _:
            place[key] = copy.deepcopy(draw.choice(ODD))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401 - anything that JSON can be
    """Yield each place of a document: what holds it, and under which key."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])
