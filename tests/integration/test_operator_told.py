"""What the operator tells outside: ends to a receiver that fails at first, and numbers that outlive it."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from support.kube import eventually
from support.operator_process import OperatorProcess
from support.played import Played
from support.ports import free_port
from tintype_operator.notice import DELIVERY_HEADER, SIGNATURE_HEADER, signature

NAMESPACE = "operator-told"
PORT = free_port()
KEY = "a key"
SETTINGS = {"TINTYPE_NOTIFY_URL": f"http://127.0.0.1:{PORT}/ends", "TINTYPE_NOTIFY_SECRET": KEY}
WRONG = '{"exitCode":65,"reason":"DataError","message":"line 7 is no JSON; correct it"}'
LABELS = f'modelversion="spent",namespace="{NAMESPACE}"'


class Receiver(BaseHTTPRequestHandler):
    """Refuses the first two calls, and remembers all of them."""

    heard: list[tuple[str, str, bytes]] = []  # noqa: RUF012 - http.server makes an instance for each request

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.heard.append((self.headers[DELIVERY_HEADER], self.headers[SIGNATURE_HEADER], body))
        self.send_response(503 if len(self.heard) <= 2 else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module", autouse=True)
def receiver() -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", PORT), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_end_is_told_to_a_receiver_that_fails_at_first(played: Played, operator: OperatorProcess) -> None:
    played.apply("told")
    played.end(played.pod("told"), 65, WRONG)
    status = played.until("told", "Failed")
    heard = eventually(lambda: list(Receiver.heard), lambda heard: len(heard) == 3, within_s=30)
    assert len(set(heard)) == 1, "the same each time"
    delivery, signed, body = heard[0]
    uid = played.version("told")["metadata"]["uid"]
    assert delivery == f"{uid}-failed"
    assert signed == signature(KEY, body)
    told = json.loads(body)
    assert (told["namespace"], told["name"], told["uid"], told["phase"]) == (NAMESPACE, "told", uid, "Failed")
    assert (told["reason"], told["message"]) == ("DataError", "line 7 is no JSON; correct it")
    assert told["completionTime"] == status["completionTime"]
    eventually(lambda: operator.metric('tintype_operator_notifications_total{result="sent"}') == 1)


def test_gpu_seconds_and_phases_outlive_the_operator(played: Played, operator: OperatorProcess) -> None:
    played.apply("spent", {"spec.compute": {"gpus": 2}, "spec.runPolicy": {"preflight": "Never"}})
    pod = played.pod("spent")
    played.run(pod)
    played.until("spent", "Preparing")
    played.end(pod, 65, WRONG)
    usage = played.until("spent", "Failed")["usage"]
    (ended,) = usage["pods"]
    assert (ended["outcome"], ended["reason"], ended["count"]) == ("Failure", "DataError", 1)
    assert ended["gpuSeconds"] == 2 * ended["seconds"] > 0
    assert usage["phases"].keys() == {"Pending", "Preparing"}
    line = f'tintype_version_gpu_seconds_total{{{LABELS},outcome="failure",reason="DataError"}}'
    assert operator.metric(line) == ended["gpuSeconds"]
    eventually(lambda: operator.metric('tintype_operator_notifications_total{result="sent"}') >= 1, within_s=30)
    heard = len(Receiver.heard)
    operator.restart()
    assert operator.metric(line) == ended["gpuSeconds"]
    assert operator.metric(f'tintype_version_status{{{LABELS},phase="Failed",reason="DataError"}}') == 1
    assert len(Receiver.heard) == heard, "nothing is told again by the operator that came after"
