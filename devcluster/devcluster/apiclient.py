"""The few requests that bringing a cluster up makes to its API server and S3 server."""

import base64
import http.client
import json
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from devcluster.errors import DevclusterError
from devcluster.plan import Plan

_TIMEOUT_S = 5.0
_POLL_S = 0.05


class ApiClient:
    """The admin's view of one API server."""

    def __init__(self, plan: Plan) -> None:
        config = json.loads(plan.admin_kubeconfig.read_text())
        self._host = urlsplit(config["clusters"][0]["cluster"]["server"]).netloc
        authority = base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]).decode()
        self._tls = ssl.create_default_context(cadata=authority)
        self._tls.load_cert_chain(*_client_files(plan.state / "pki" / "admin", config["users"][0]["user"]))

    def request(
        self, method: str, path: str, body: object = None, content_type: str = "application/json"
    ) -> tuple[int, Any]:
        """Return the status and the parsed answer; OSError or HTTPException where there is no answer."""
        connection = http.client.HTTPSConnection(self._host, context=self._tls, timeout=_TIMEOUT_S)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, {"Content-Type": content_type, "Accept": "application/json"})
            response = connection.getresponse()
            text = response.read().decode()
            return response.status, json.loads(text) if text.startswith("{") else text
        finally:
            connection.close()

    def must(self, method: str, path: str, body: object = None, content_type: str = "application/json") -> object:
        """Like request, but raises DevclusterError where the API server refuses."""
        status, answer = self.request(method, path, body, content_type)
        if status >= http.client.BAD_REQUEST:
            raise DevclusterError(f"{method} {path} was refused by the API server: {answer}")
        return answer

    def answers(self, path: str) -> bool:
        """Say whether a GET of the path succeeds."""
        try:
            return self.request("GET", path)[0] == http.client.OK
        except (OSError, http.client.HTTPException):
            return False


def _client_files(stem: Path, user: dict[str, str]) -> tuple[Path, Path]:
    """Write the client certificate into files, since Python's ssl loads it from nowhere else."""
    certificate, key = stem.with_suffix(".crt"), stem.with_suffix(".key")
    for path, field in ((certificate, "client-certificate-data"), (key, "client-key-data")):
        path.touch(mode=0o600)
        path.write_bytes(base64.b64decode(user[field]))
    return certificate, key


def s3_answers(plan: Plan) -> bool:
    """Say whether the S3 server accepts requests."""
    connection = http.client.HTTPConnection(plan.address, plan.port("s3"), timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_until(ready: Callable[[], bool], what: str, timeout_s: float, check: Callable[[], None]) -> None:
    """Wait until `ready` says so, calling `check` in between, which raises where waiting is hopeless.

    Raises DevclusterError after the timeout.
    """
    deadline = time.monotonic() + timeout_s
    while not ready():
        check()
        if time.monotonic() > deadline:
            raise DevclusterError(f"{what} was not ready after {timeout_s:.0f} s.")
        time.sleep(_POLL_S)
