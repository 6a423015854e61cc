"""The API server by JSON: the few verbs that the operator needs, to where kubernetes.aio's configuration says."""

import os
import random
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import orjson
from kubernetes.aio import config
from kubernetes.aio.client import Configuration

from tintype_api.constants import GROUP, OPERATOR_FIELD_MANAGER, PLURAL, VERSION
from tintype_operator.apierror import UNREACHABLE, ApiError, from_answer

Object = dict[str, Any]
OnRequest = Callable[[str, str, int], None]
BeforeWrite = Callable[[], None]

_TIMEOUT: Final = aiohttp.ClientTimeout(total=30, sock_connect=5)
_WATCH_S: Final = (40, 60)
"""When the API server is asked to end a watch: some time between, so that not all end at once. It marks quiet watches
every minute, but not those of Events: only its ending them tells that a quiet one is not dead."""
_WATCH_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=75)
_MANAGER: Final = {"fieldManager": OPERATOR_FIELD_MANAGER}
_JSON: Final = "application/json"
_PAGE_SIZE: Final = 500
_TOKEN: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


@dataclass(frozen=True)
class Resource:
    """A kind of objects by its path, such as `apis/batch/v1` and `jobs`."""

    group_version: str
    plural: str

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        """Return the path of an object, or of all of a namespace, or of all (namespace None)."""
        inside = ["namespaces", namespace] if namespace else []
        parts = [self.group_version, *inside, self.plural, name, subresource]
        return "/" + "/".join(part for part in parts if part)


MODELVERSIONS: Final = Resource(f"apis/{GROUP}/{VERSION}", PLURAL)
JOBS: Final = Resource("apis/batch/v1", "jobs")
PODS: Final = Resource("api/v1", "pods")
SERVICES: Final = Resource("api/v1", "services")
EVENTS: Final = Resource("api/v1", "events")
LEASES: Final = Resource("apis/coordination.k8s.io/v1", "leases")
KUEUE_GROUP: Final = "kueue.x-k8s.io"
KUEUE_VISIBILITY_GROUP: Final = "visibility.kueue.x-k8s.io"
ROLE_BINDINGS: Final = Resource("apis/rbac.authorization.k8s.io/v1", "rolebindings")


class Client:
    """A connection to the API server. All calls raise ApiError where the server refuses or does not answer."""

    def __init__(self, configuration: Configuration, on_request: OnRequest, before_write: BeforeWrite) -> None:
        self._configuration = configuration
        self._http = _session(configuration)
        self._on_request = on_request
        self._before_write = before_write
        self._answered_at = time.monotonic()

    @classmethod
    async def connect(cls, on_request: OnRequest, before_write: BeforeWrite) -> "Client":
        """Return a client by the Pod's ServiceAccount, or else by the kubeconfig.

        Args:
            on_request: Told of each request: its verb, kind and HTTP code.
            before_write: Called before each write of anything but Leases; raises where none is allowed.
        """
        configuration = Configuration()
        if in_cluster():
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        else:
            await config.load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        return cls(configuration, on_request, before_write)

    @property
    def silent_s(self) -> float:
        """Seconds since the API server last answered anything but a watch."""
        return time.monotonic() - self._answered_at

    async def close(self) -> None:
        """Close the connection."""
        await self._http.close()

    async def served_version(self, group: str) -> str | None:
        """Return the version of an API group that the server prefers; None where it does not serve the group."""
        try:
            answer = await self._call("get", Resource("apis", group), f"/apis/{group}")
        except ApiError as error:
            if error.code == 404:
                return None
            raise
        return str(answer["preferredVersion"]["version"])

    async def get(self, resource: Resource, namespace: str | None, name: str, subresource: str | None = None) -> Object:
        """Return an object, or a subresource of it."""
        return await self._call("get", resource, resource.path(namespace, name, subresource))

    async def create(self, resource: Resource, namespace: str, body: Object) -> Object:
        """Create an object and return it."""
        return await self._call("create", resource, resource.path(namespace), query=_MANAGER, body=body)

    async def merge(self, resource: Resource, namespace: str, name: str, body: Object) -> Object:
        """Change an object by a merge patch and return it."""
        path = resource.path(namespace, name)
        content = "application/merge-patch+json"
        return await self._call("patch", resource, path, query=_MANAGER, body=body, content=content)

    async def apply_status(
        self, resource: Resource, namespace: str, name: str, body: Object, *, manager: str, dry_run: bool = False
    ) -> Object:
        """Apply the status of an object, as the owner of the fields in the body, and return the object."""
        path = resource.path(namespace, name, "status")
        query = {"fieldManager": manager, "force": "true"} | ({"dryRun": "All"} if dry_run else {})
        content = "application/apply-patch+yaml"
        return await self._call("apply", resource, path, query=query, body=body, content=content)

    async def delete(self, resource: Resource, namespace: str, name: str, uid: str, *, propagation: str) -> Object:
        """Delete an object of this uid; return it while it is still there, else a Status.

        Args:
            resource: Its kind.
            namespace: Its namespace.
            name: Its name.
            uid: Its uid; an object of another one is left alone.
            propagation: Foreground: it goes after all that it owns; Background: before.
        """
        body: Object = {"preconditions": {"uid": uid}, "propagationPolicy": propagation}
        return await self._call("delete", resource, resource.path(namespace, name), body=body)

    async def pages(self, resource: Resource, namespace: str | None, query: Mapping[str, str]) -> AsyncIterator[Object]:
        """Yield a list in pages, each with `items` and `metadata.resourceVersion`."""
        asked = dict(query) | {"limit": str(_PAGE_SIZE)}
        while True:
            page = await self._call("list", resource, resource.path(namespace), query=asked)
            yield page
            token = page["metadata"].get("continue")
            if not token:
                return
            asked["continue"] = token

    async def events(
        self, resource: Resource, namespace: str | None, query: Mapping[str, str]
    ) -> AsyncIterator[Mapping[str, Any]]:
        """Yield the events of a watch, bookmarks and errors among them, until the API server ends it.

        Raises:
            ApiError: where the API server refuses, or neither says anything nor ends the watch in time.
        """
        asked = dict(query) | {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(random.randint(*_WATCH_S)),
        }
        try:
            answer = await self._request("GET", resource.path(namespace), asked, None, _JSON, _WATCH_TIMEOUT)
            async with answer:
                self._on_request("watch", resource.plural, answer.status)
                if answer.status >= 400:
                    raise from_answer(answer.status, _parsed(await answer.read()))
                async for line in _lines(answer.content):
                    yield orjson.loads(line)
        except (*_BROKEN, orjson.JSONDecodeError) as error:
            raise self._unreachable("watch", resource, error) from error

    async def _call(
        self,
        verb: str,
        resource: Resource,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        content: str = _JSON,
    ) -> Object:
        if verb not in {"get", "list"} and resource is not LEASES:
            self._before_write()
        try:
            answer = await self._request(_METHODS[verb], path, query or {}, body, content, _TIMEOUT)
            async with answer:
                found = _parsed(await answer.read())
        except _BROKEN as error:
            raise self._unreachable(verb, resource, error) from error
        self._answered_at = time.monotonic()
        self._on_request(verb, resource.plural, answer.status)
        if answer.status >= 400 or not isinstance(found, dict):
            raise from_answer(answer.status, found)
        return found

    async def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Object | None,
        content: str,
        limits: aiohttp.ClientTimeout,
    ) -> aiohttp.ClientResponse:
        headers = {"Accept": _JSON, "Content-Type": content}
        token = await self._configuration.get_api_key_with_prefix("BearerToken", "authorization")
        if token:
            headers["Authorization"] = token
        return await self._http.request(
            method,
            f"{self._configuration.host}{path}",
            params=query,
            data=None if body is None else orjson.dumps(body),
            headers=headers,
            timeout=limits,
            proxy=self._configuration.proxy,
            server_hostname=self._configuration.tls_server_name,
        )

    def _unreachable(self, verb: str, resource: Resource, error: Exception) -> ApiError:
        self._on_request(verb, resource.plural, UNREACHABLE)
        what = f"{type(error).__name__}: {error}".rstrip(": ")
        return ApiError(UNREACHABLE, "Unreachable", f"the API server does not answer ({what})")


_BROKEN: Final = (aiohttp.ClientError, TimeoutError, OSError)
"""What is raised where a connection fails."""
_METHODS: Final = {
    "get": "GET",
    "list": "GET",
    "create": "POST",
    "patch": "PATCH",
    "apply": "PATCH",
    "delete": "DELETE",
}


def in_cluster() -> bool:
    """Return whether this process runs in a Pod that may speak to the API server."""
    return "KUBERNETES_SERVICE_HOST" in os.environ and _TOKEN.exists()


def _session(configuration: Configuration) -> aiohttp.ClientSession:
    """Return a pool of connections without a limit, since each watch holds one; it asks no .netrc for passwords."""
    tls = ssl.create_default_context(cafile=configuration.ssl_ca_cert, cadata=configuration.ca_cert_data)
    tls.verify_flags &= ~ssl.VERIFY_X509_STRICT  # many clusters' authorities lack what it asks for, as Go does not
    if configuration.cert_file:
        tls.load_cert_chain(configuration.cert_file, keyfile=configuration.key_file)
    if not configuration.verify_ssl:
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls, limit=0))


def _parsed(data: bytes) -> object:
    try:
        return orjson.loads(data)
    except ValueError:
        return data.decode(errors="replace")


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Yield the lines of a stream, however long they are."""
    rest = b""
    async for chunk in content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line:
                yield line
