"""The API server by JSON, for tests: as the admin, or by a token."""

import base64
import json
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import yaml

T = TypeVar("T")

MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
VERSIONS = "apis/tintype.dev/v1alpha1/namespaces/{}/modelversions"
JOBS = "apis/batch/v1/namespaces/{}/jobs"
PODS = "api/v1/namespaces/{}/pods"


@dataclass(frozen=True)
class Answer:
    """HTTP status and parsed body."""

    code: int
    body: dict[str, Any]

    @property
    def message(self) -> str:
        return str(self.body.get("message", ""))


class Kube:
    """One API server, seen by one identity."""

    def __init__(self, kubeconfig: Path, token: str | None = None) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        self.kubeconfig = kubeconfig
        self.server = config["clusters"][0]["cluster"]["server"]
        tls = tls_of(config)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        if token is None:
            _load_client_certificate(tls, config["users"][0]["user"])
        self._http = httpx.Client(base_url=self.server, verify=tls, headers=headers, timeout=30)

    def close(self) -> None:
        self._http.close()

    def request(
        self, method: str, path: str, body: object = None, content: str = "application/json", **query: str
    ) -> Answer:
        data = None if body is None else json.dumps(body)
        answer = self._http.request(method, f"/{path}", content=data, params=query, headers={"Content-Type": content})
        return Answer(answer.status_code, answer.json())

    def must(
        self, method: str, path: str, body: object = None, content: str = "application/json", **query: str
    ) -> dict[str, Any]:
        answer = self.request(method, path, body, content, **query)
        assert answer.code < 400, f"{method} {path}: {answer.body}"
        return answer.body

    def get(self, path: str) -> dict[str, Any]:
        return self.must("GET", path)

    def find(self, path: str) -> dict[str, Any] | None:
        answer = self.request("GET", path)
        assert answer.code in {200, 404}, answer.body
        return answer.body if answer.code == 200 else None

    def items(self, path: str, **query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.must("GET", path, **query)["items"]
        return found

    def added(self, path: str, stopped: threading.Event) -> Iterator[dict[str, Any]]:
        """Yield what is in a list, and what is added to it, until the watch ends or one is told to stop."""
        query = {"watch": "1", "timeoutSeconds": "600"}
        with self._http.stream("GET", f"/{path}", params=query, timeout=httpx.Timeout(5, read=0.5)) as answer:
            for line in answer.iter_lines():
                event = json.loads(line)
                if event["type"] == "ADDED":
                    yield event["object"]
                if stopped.is_set():
                    return

    def patch_status(self, path: str, status: dict[str, Any]) -> dict[str, Any]:
        return self.must("PATCH", f"{path}/status", {"status": status}, MERGE)


def eventually(get: Callable[[], T], wanted: Callable[[T], object] = bool, within_s: float = 20.0) -> T:
    """Return the first value that is as wanted; fail with the last one where there is none in time."""
    deadline = time.monotonic() + within_s
    while True:
        value = get()
        if wanted(value):
            return value
        assert time.monotonic() < deadline, f"not within {within_s} s; the last was: {str(value)[:3000]}"
        time.sleep(0.05)


def always(get: Callable[[], T], wanted: Callable[[T], object], for_s: float) -> None:
    """Fail where a value is ever not as wanted."""
    deadline = time.monotonic() + for_s
    while time.monotonic() < deadline:
        value = get()
        assert wanted(value), value
        time.sleep(0.1)


def tls_of(config: dict[str, Any]) -> ssl.SSLContext:
    """Return what trusts the API server of a kubeconfig."""
    authority = config["clusters"][0]["cluster"]["certificate-authority-data"]
    return ssl.create_default_context(cadata=base64.b64decode(authority).decode())


def _load_client_certificate(tls: ssl.SSLContext, user: dict[str, str]) -> None:
    with tempfile.NamedTemporaryFile() as file:
        for field in ("client-certificate-data", "client-key-data"):
            file.write(base64.b64decode(user[field]) + b"\n")
        file.flush()
        tls.load_cert_chain(file.name)
