"""Data sets are prepared on a real node before a GPU is asked for; a processor stands for it here."""

from collections.abc import Iterator
from typing import Any

import pytest

from support.kube import JOBS, eventually
from support.platform import NAMESPACE, Platform, condition

GPU = "nvidia.com/gpu"
ASKS_FOR_GPU = {"gpus": 1}


@pytest.fixture(scope="module")
def with_gpus(platform: Platform) -> Iterator[Platform]:
    """The platform, where trainings of one GPU use the processor."""
    platform.pretend_gpus()
    yield platform
    platform.pretend_gpus(pretend=False)


def _asked(pod: dict[str, Any]) -> str | None:
    (container,) = pod["spec"]["containers"]
    amount: str | None = container["resources"]["limits"].get(GPU)
    return amount


def test_data_that_cannot_train_never_holds_a_gpu(with_gpus: Platform) -> None:
    with_gpus.apply("no-data", {"compute": ASKS_FOR_GPU, "concepts": ["circle", "square", "hexagon"]})
    status = with_gpus.ended("no-data")
    assert (status["phase"], status["attempt"]) == ("Failed", 0), status
    assert condition(status, "Failed")["reason"] == "DataError"
    assert 'no concept "hexagon"' in condition(status, "Failed")["message"]
    jobs = with_gpus.kube.items(JOBS.format(NAMESPACE), labelSelector="tintype.dev/modelversion=no-data")
    assert [job["metadata"]["name"] for job in jobs] == ["no-data-preflight"]
    assert [_asked(pod) for pod in with_gpus.pods("no-data")] == [None]


def test_a_training_on_a_gpu_takes_what_was_prepared_without_one(with_gpus: Platform) -> None:
    with_gpus.apply("prepared", {"compute": ASKS_FOR_GPU, "training": {"epochs": 30}})
    first = eventually(lambda: with_gpus.pods("prepared"), within_s=30)
    assert [_asked(pod) for pod in first] == [None]
    counted = eventually(lambda: with_gpus.status("prepared").get("dataset"), within_s=120)
    assert with_gpus.status("prepared")["attempt"] == 0
    status = with_gpus.training("prepared")
    assert (status["attempt"], status["prepared"], status["dataset"]) == (1, True, counted)
    (pod,) = [pod for pod in with_gpus.pods("prepared") if pod["metadata"]["uid"] == status["job"]["podUID"]]
    assert _asked(pod) == "1"
    said = with_gpus.tools.run("kubectl", "logs", pod["metadata"]["name"])
    assert "the examples are those that an earlier Pod of this version has chosen" in said
    assert "failures" not in status
    with_gpus.delete("prepared")
