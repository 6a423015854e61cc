"""The operator's environment variables."""

import pytest

from tintype_api.spec.run import Storage
from tintype_operator.settings import HistorySettings, Settings, SettingsError, TrainerSettings, from_environment

IMAGE = {"TINTYPE_TRAINER_IMAGE": "trainer:1"}


def test_an_image_is_enough() -> None:
    assert from_environment(IMAGE | {"TINTYPE_STORAGE_REGION": ""}) == Settings(TrainerSettings("trainer:1"))


def test_everything() -> None:
    given = from_environment(
        IMAGE
        | {
            "TINTYPE_TRAINER_IMAGE_PULL_POLICY": "Never",
            "TINTYPE_TRAINER_RUNTIME_CLASS": "nvidia",
            "TINTYPE_TEST_CPU_STANDS_FOR_GPU": "1",
            "TINTYPE_STORAGE_ENDPOINT": "https://s3.example.com",
            "TINTYPE_STORAGE_REGION": "eu-west-1",
            "TINTYPE_STORAGE_CREDENTIALS_SECRET": "s3",
            "TINTYPE_HISTORY_LIMIT": "20",
            "TINTYPE_HISTORY_KEEP_BEST": "false",
            "TINTYPE_WORKERS": "3",
            "TINTYPE_METRICS_PORT": "8080",
            "TINTYPE_RESYNC_SECONDS": "60",
        }
    )
    assert given == Settings(
        trainer=TrainerSettings("trainer:1", "Never", "nvidia", cpu_stands_for_gpu=True),
        storage=Storage(endpoint="https://s3.example.com", region="eu-west-1", credentials_secret="s3"),
        history=HistorySettings(limit=20, keep_best=False),
        workers=3,
        metrics_port=8080,
        resync_seconds=60,
    )


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "TINTYPE_TRAINER_IMAGE: is required"),
        (IMAGE | {"TINTYPE_TRAINER_IMAGE_PULL_POLICY": "Often"}, "'Often' is none of Always, IfNotPresent, Never"),
        (IMAGE | {"TINTYPE_STORAGE_ENDPOINT": "s3.example.com"}, "TINTYPE_STORAGE_*: endpoint: 's3.example.com'"),
        (IMAGE | {"TINTYPE_HISTORY_LIMIT": "0"}, "TINTYPE_HISTORY_LIMIT: '0' is no whole number from 1 to 100000"),
        (IMAGE | {"TINTYPE_HISTORY_KEEP_BEST": "yes"}, "TINTYPE_HISTORY_KEEP_BEST: 'yes' is neither true nor false"),
        (IMAGE | {"TINTYPE_WORKERS": "0"}, "TINTYPE_WORKERS: '0' is no whole number from 1 to 256"),
        (IMAGE | {"TINTYPE_METRICS_PORT": "http"}, "TINTYPE_METRICS_PORT: 'http' is no whole number"),
    ],
)
def test_what_is_wrong_is_one_sentence(environment: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=r"^[^\n]*$") as raised:
        from_environment(environment)
    assert words in str(raised.value)
