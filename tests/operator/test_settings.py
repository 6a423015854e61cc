"""The operator's environment variables."""

import pytest

from tintype_api.constants import LibraryPage
from tintype_api.spec.run import Storage
from tintype_operator.facts import Key
from tintype_operator.settings import (
    HistorySettings,
    LeaseSettings,
    NotifySettings,
    Settings,
    SettingsError,
    TrainerSettings,
    from_environment,
)

REQUIRED = {"TINTYPE_TRAINER_IMAGE": "trainer:1", "TINTYPE_LEASE": "tintype/operator", "POD_ID": "operator-a"}
LEASE = LeaseSettings(Key("tintype", "operator"), "operator-a")


def test_an_image_and_a_lease_are_enough() -> None:
    given = from_environment(REQUIRED | {"TINTYPE_STORAGE_REGION": ""})
    assert given == Settings(TrainerSettings("trainer:1"), LEASE)


def test_without_a_name_each_operator_has_one_of_its_own() -> None:
    one, other = (from_environment(REQUIRED | {"POD_ID": ""}).lease.identity for _ in range(2))
    assert one != other


def test_everything() -> None:
    given = from_environment(
        REQUIRED
        | {
            "TINTYPE_TRAINER_IMAGE_PULL_POLICY": "Never",
            "TINTYPE_TRAINER_RUNTIME_CLASS": "nvidia",
            "TINTYPE_TEST_CPU_STANDS_FOR_GPU": "1",
            "TINTYPE_STORAGE_ENDPOINT": "https://s3.example.com",
            "TINTYPE_STORAGE_REGION": "eu-west-1",
            "TINTYPE_STORAGE_CREDENTIALS_SECRET": "s3",
            "TINTYPE_LIBRARY": "Output",
            "TINTYPE_HISTORY_LIMIT": "20",
            "TINTYPE_HISTORY_KEEP_BEST": "false",
            "TINTYPE_TRAINER_IMAGE_PULL_SECRETS": "one,two",
            "TINTYPE_NOTIFY_URL": "https://chat.example.com/hook",
            "TINTYPE_NOTIFY_SECRET": "key",
            "TINTYPE_WORKERS": "3",
            "TINTYPE_METRICS_PORT": "8080",
        }
    )
    assert given == Settings(
        trainer=TrainerSettings(
            "trainer:1", "Never", ("one", "two"), "nvidia", library=LibraryPage.OUTPUT, cpu_stands_for_gpu=True
        ),
        lease=LEASE,
        storage=Storage(endpoint="https://s3.example.com", region="eu-west-1", credentials_secret="s3"),
        history=HistorySettings(limit=20, keep_best=False),
        notify=NotifySettings("https://chat.example.com/hook", "key"),
        workers=3,
        metrics_port=8080,
    )


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "TINTYPE_TRAINER_IMAGE: is required"),
        (REQUIRED | {"TINTYPE_NOTIFY_URL": "chat.example.com"}, "TINTYPE_NOTIFY_URL: is no URL"),
        (
            REQUIRED | {"TINTYPE_LEASE": "operator"},
            "TINTYPE_LEASE: is required; set it to the Lease's",
        ),
        (REQUIRED | {"TINTYPE_TRAINER_IMAGE_PULL_POLICY": "Often"}, "'Often' is none of Always, IfNotPresent, Never"),
        (REQUIRED | {"TINTYPE_STORAGE_ENDPOINT": "s3.example.com"}, "TINTYPE_STORAGE_*: endpoint: 's3.example.com'"),
        (REQUIRED | {"TINTYPE_LIBRARY": "Cluster"}, "TINTYPE_LIBRARY: 'Cluster' is none of Namespace, Output"),
        (REQUIRED | {"TINTYPE_HISTORY_LIMIT": "0"}, "TINTYPE_HISTORY_LIMIT: '0' is no whole number from 1 to 100000"),
        (REQUIRED | {"TINTYPE_HISTORY_KEEP_BEST": "yes"}, "TINTYPE_HISTORY_KEEP_BEST: 'yes' is neither true nor false"),
        (REQUIRED | {"TINTYPE_WORKERS": "0"}, "TINTYPE_WORKERS: '0' is no whole number from 1 to 256"),
        (REQUIRED | {"TINTYPE_METRICS_PORT": "http"}, "TINTYPE_METRICS_PORT: 'http' is no whole number"),
    ],
)
def test_what_is_wrong_is_one_sentence(environment: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=r"^[^\n]*$") as raised:
        from_environment(environment)
    assert words in str(raised.value)
