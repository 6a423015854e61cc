import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tintype_api.constants import Stage
from tintype_api.status import TrainerStatus
from tintype_trainer.reporting.apiserver import StatusNotTakenError
from tintype_trainer.reporting.reporter import Reporter

PREPARING = TrainerStatus(stage=Stage.PREPARING)
TRAINING = TrainerStatus(stage=Stage.TRAINING)
PUBLISHING = TrainerStatus(stage=Stage.PUBLISHING)


class Server:
    """Takes statuses, unless it is away."""

    def __init__(self) -> None:
        self.taken: list[TrainerStatus] = []
        self.attempts = 0
        self.away = False
        self.delay_s = 0.0

    def apply(self, status: TrainerStatus) -> None:
        self.attempts += 1
        time.sleep(self.delay_s)
        if self.away:
            raise StatusNotTakenError("HTTP 403: not this Pod")
        self.taken.append(status)


class Setting:
    def __init__(self, interval_s: float) -> None:
        self.server = Server()
        self.errors = 0
        self.log: list[str] = []
        self.reporter = Reporter(self.server.apply, self._count, self.log.append, interval_s, first_retry_s=0.01)
        self.reporter.start()

    def _count(self) -> None:
        self.errors += 1

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, "waited for 20 s"
            time.sleep(0.005)


@pytest.fixture
def hourly() -> Iterator[Setting]:
    setting = Setting(interval_s=3600)
    yield setting
    setting.server.away = False
    setting.reporter.close(5)


def test_urgent_news_do_not_wait_and_others_do(hourly: Setting) -> None:
    hourly.reporter.changed(PREPARING, urgent=True)
    hourly.wait_for(lambda: hourly.server.taken == [PREPARING])
    hourly.reporter.changed(PREPARING, urgent=False)
    hourly.reporter.changed(TRAINING, urgent=True)
    hourly.wait_for(lambda: len(hourly.server.taken) == 2)
    hourly.reporter.changed(PUBLISHING, urgent=False)
    time.sleep(0.05)
    assert hourly.server.taken == [PREPARING, TRAINING]


def test_the_end_is_written_at_once(hourly: Setting) -> None:
    hourly.reporter.changed(PREPARING, urgent=True)
    hourly.wait_for(lambda: len(hourly.server.taken) == 1)
    hourly.reporter.changed(PUBLISHING, urgent=False)
    assert hourly.reporter.close(10)
    assert hourly.server.taken == [PREPARING, PUBLISHING]


def test_a_server_that_is_away_gets_the_newest_when_it_is_back(hourly: Setting) -> None:
    hourly.server.away = True
    hourly.reporter.changed(PREPARING, urgent=True)
    hourly.wait_for(lambda: hourly.errors >= 2)
    hourly.reporter.changed(TRAINING, urgent=True)
    hourly.reporter.changed(PUBLISHING, urgent=True)
    hourly.server.away = False
    hourly.wait_for(lambda: bool(hourly.server.taken))
    assert hourly.server.taken == [PUBLISHING]
    assert hourly.reporter.close(10)
    assert hourly.log[0].startswith("status is not taken for now (")
    assert "HTTP 403: not this Pod" in hourly.log[0]
    assert hourly.log[1].startswith("status is written again after")
    assert len(hourly.log) == 2


def test_the_training_is_never_kept_waiting(hourly: Setting) -> None:
    hourly.server.delay_s = 0.5
    started = time.monotonic()
    for _ in range(100):
        hourly.reporter.changed(TRAINING, urgent=True)
    assert time.monotonic() - started < 0.4


def test_the_end_waits_no_longer_than_it_was_told(hourly: Setting) -> None:
    hourly.server.away = True
    hourly.reporter.changed(PUBLISHING, urgent=True)
    started = time.monotonic()
    assert not hourly.reporter.close(0.2)
    assert time.monotonic() - started < 5
    assert "the last status was not written" in hourly.log[-1]


def test_nothing_new_is_not_written() -> None:
    setting = Setting(interval_s=0.01)
    setting.reporter.changed(TRAINING, urgent=True)
    setting.wait_for(lambda: len(setting.server.taken) == 1)
    time.sleep(0.1)
    assert setting.reporter.close(5)
    assert setting.server.attempts == 1
    assert "reporter" not in {thread.name for thread in threading.enumerate()}
