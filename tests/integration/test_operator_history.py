"""Versions of one model beside each other: how they compare, and which of them stay; kubelet and trainer are played."""

from support.kube import always, eventually
from support.played import Played

NAMESPACE = "operator-history"
VALUES = {"history.limit": 2}
SETTINGS = {"TINTYPE_HISTORY_LIMIT": "2"}


def train(played: Played, name: str, accuracy: float) -> None:
    """Play a version from its creation to its end."""
    played.apply(name)
    pod = played.pod(name)
    played.run(pod)
    dataset = {"digest": "x", "validationDigest": "same", "train": 9, "validation": 3, "test": 0}
    best = {"epoch": 1, "iteration": 5, "selectedBy": "accuracy"}
    best |= {"performanceIndicator": accuracy, "performanceIndicatorName": "accuracy"}
    artifacts = {"uri": f"s3://models/{name}", "files": 1, "sizeBytes": 1, "manifestSha256": "x"}
    report = {"dataset": dataset | {"unreadable": {"count": 0}}, "best": best, "artifacts": artifacts}
    token = played.token(pod)
    eventually(lambda: played.report(token, name, report).code == 200)
    played.end(pod, 0, reason="Completed")
    played.until(name, "Succeeded")


def test_versions_are_compared_and_the_oldest_go_but_for_the_best(played: Played) -> None:
    train(played, "one", 0.9)
    assert "comparison" not in played.status("one")
    train(played, "two", 0.8)
    eventually(lambda: played.status("two").get("comparison") == {"with": "one", "change": -0.1})
    train(played, "three", 0.85)
    eventually(lambda: played.status("three").get("comparison") == {"with": "one", "change": -0.05})
    train(played, "four", 0.95)
    eventually(lambda: played.status("four").get("comparison") == {"with": "one", "change": 0.05})
    names = ["one", "two", "three", "four"]
    there = lambda: [name for name in names if played.kube.find(f"{played.versions}/{name}")]  # noqa: E731
    eventually(there, lambda found: found == ["three", "four"])
    train(played, "five", 0.7)
    names.append("five")
    eventually(there, lambda found: found == ["four", "five"])
    always(there, lambda found: found == ["four", "five"], 1)
