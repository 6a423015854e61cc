"""`s3://`: obstore for the transfers, boto3's chain for the credentials."""

import mimetypes
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotModifiedError
from obstore.store import S3Store
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, stop_after_delay, wait_random_exponential

from tintype_trainer.storage.s3_errors import no_credentials, translate
from tintype_trainer.storage.types import Download, ObjectInfo, Reading, StorageUnreachable
from tintype_trainer.storage.uri import S3_SCHEME, bucket_and_key

if TYPE_CHECKING:
    from obstore import BytesStream, GetOptions, GetResult
    from obstore.auth.boto3 import Boto3CredentialProvider
    from obstore.store import BackoffConfig, ClientConfig, RetryConfig, S3Config

RETRY_TIMEOUT_S: Final = 20.0
"""Retries of one request end after this: long enough for a server's restart, short enough to be told of."""
MOST_RETRIES: Final = 12
FIRST_DELAY_S: Final = 0.1
LONGEST_DELAY_S: Final = 3.0
ONE_REQUEST_BYTES: Final = 5 << 20
"""What is larger is uploaded in parts."""
CHUNK_BYTES: Final = 1 << 20
LIST_CHUNK: Final = 1000
DEFAULT_REGION: Final = "us-east-1"

T = TypeVar("T")


class S3Backend:
    """Objects of an S3 server; clients for each bucket are made when first used.

    What is one request to the server is tried again here, where it is counted; an object that is read piece by piece
    goes on from the byte where it broke off. Parts of an upload and pages of a list are tried again by obstore, which
    alone can go on from them, and so is a creation, of which only obstore knows whether the server has seen it.

    Args:
        endpoint: The server's URL; None for AWS.
        region: Region of the buckets; None: as boto3's configuration says.
        retry_timeout_s: How long one request is retried, in seconds.
        on_retry: Called before a request is sent again, from any thread.
    """

    def __init__(
        self,
        endpoint: str | None,
        region: str | None,
        retry_timeout_s: float = RETRY_TIMEOUT_S,
        on_retry: Callable[[], None] = lambda: None,
    ) -> None:
        self._endpoint = endpoint.rstrip("/") if endpoint else None
        self._region = region
        self._retry_timeout_s = retry_timeout_s
        self._again = Retrying(
            retry=retry_if_exception_type(StorageUnreachable),
            stop=stop_after_attempt(1 + MOST_RETRIES) | stop_after_delay(retry_timeout_s),
            wait=wait_random_exponential(multiplier=FIRST_DELAY_S, max=LONGEST_DELAY_S),
            before_sleep=lambda _: on_retry(),
            reraise=True,
        )
        self._clients: dict[tuple[str, bool], S3Store] = {}
        self._credentials: Boto3CredentialProvider | None = None
        self._lock = threading.Lock()

    def read(self, uri: str, unless_etag: str | None) -> Download | None:
        """Return the content; None where the object still has the tag `unless_etag`."""

        def get(client: S3Store, key: str) -> Download:
            result = obstore.get(client, key, options={"if_none_match": unless_etag} if unless_etag else None)
            return Download(result.bytes().to_bytes(), result.meta["e_tag"])

        try:
            return self._one_request(uri, get)
        except NotModifiedError:
            return None

    def open(self, uri: str) -> Reading:
        """Return the object for reading it piece by piece."""
        result = self._one_request(uri, obstore.get)
        return Reading(result.meta["size"], self._pieces(uri, result))

    def head(self, uri: str) -> ObjectInfo | None:
        """Return size and URI, or None where there is no such object (or no such bucket: HEAD does not tell)."""

        def size_bytes(client: S3Store, key: str) -> int | None:
            try:
                return obstore.head(client, key)["size"]
            except FileNotFoundError:
                return None

        size = self._one_request(uri, size_bytes)
        return None if size is None else ObjectInfo(uri, size)

    def list(self, uri: str) -> Iterator[ObjectInfo]:
        """Yield every object below the prefix, a part of a path never counting as a prefix."""
        bucket, prefix = bucket_and_key(uri)
        stream = iter(self._call(uri, lambda client, _: obstore.list(client, prefix or None, chunk_size=LIST_CHUNK)))
        while (chunk := self._call(uri, lambda _client, _key: next(stream, None))) is not None:
            for found in chunk:
                yield ObjectInfo(f"{S3_SCHEME}{bucket}/{found['path']}", found["size"], found["last_modified"])

    def write(self, uri: str, source: bytes | Path) -> None:
        """Store the content, in several parts where it is large; S3 shows an object only when it is whole."""
        attributes = {"Content-Type": _content_type(uri)}
        if isinstance(source, bytes) and len(source) <= ONE_REQUEST_BYTES:
            self._one_request(
                uri,
                lambda client, key: obstore.put(client, key, source, attributes=attributes, use_multipart=False),
            )
        else:
            self._call(uri, lambda client, key: obstore.put(client, key, source, attributes=attributes))

    def create(self, uri: str, data: bytes) -> bool:
        """Store the content with If-None-Match; return whether it was stored."""
        try:
            self._call(uri, lambda client, key: obstore.put(client, key, data, mode="create"))
        except AlreadyExistsError:
            return False
        return True

    def remove(self, uri: str) -> None:
        """Remove the object; S3 says nothing of one that is not there."""
        self._one_request(uri, obstore.delete)

    def _pieces(self, uri: str, result: "GetResult") -> Iterator[bytes]:
        """Yield the content; where it breaks off, the rest of the same version is asked for."""
        size_bytes, etag = result.meta["size"], result.meta["e_tag"]
        stream: BytesStream | None = result.stream(CHUNK_BYTES)
        done_bytes = 0

        def following(client: S3Store, key: str) -> bytes:
            nonlocal stream
            current, stream = stream, None  # It is of no more use where it breaks off.
            if current is None:
                options: GetOptions = {"range": {"offset": done_bytes}, "if_match": etag}
                current = obstore.get(client, key, options=options).stream(CHUNK_BYTES)
            piece = bytes(next(current, b""))
            stream = current
            return piece

        while done_bytes < size_bytes and (piece := self._one_request(uri, following)):
            done_bytes += len(piece)
            yield piece

    def _one_request(self, uri: str, operation: Callable[[S3Store, str], T]) -> T:
        """Do what may be done again as a whole, until it is done or the retries are used up."""
        return self._again.copy()(lambda: self._call(uri, operation, tries_again=False))

    def _call(self, uri: str, operation: Callable[[S3Store, str], T], *, tries_again: bool = True) -> T:
        """Do something; `tries_again` is whether obstore does so with each of its requests."""
        bucket, key = bucket_and_key(uri)
        client = self._client(uri, bucket, tries_again)
        try:
            return operation(client, key)
        except (AlreadyExistsError, NotModifiedError):
            raise
        except (BaseError, OSError, ValueError) as error:
            raise translate(error, uri, self._endpoint) from error

    def _client(self, uri: str, bucket: str, tries_again: bool) -> S3Store:
        with self._lock:
            if (bucket, tries_again) not in self._clients:
                self._clients[bucket, tries_again] = self._new_client(uri, bucket, tries_again)
            return self._clients[bucket, tries_again]

    def _new_client(self, uri: str, bucket: str, tries_again: bool) -> S3Store:
        self._credentials = self._credentials or _find_credentials(uri)
        config: S3Config = {
            "region": self._region or self._credentials.config.get("region") or DEFAULT_REGION,
            # AWS's certificate covers no bucket name with a dot in it.
            "virtual_hosted_style_request": self._endpoint is None and "." not in bucket,
        }
        if self._endpoint:
            config["endpoint"] = self._endpoint
        return S3Store(
            bucket,
            config=config,
            client_options=_client_options(),
            retry_config=_retry_config(MOST_RETRIES if tries_again else 0, self._retry_timeout_s),
            credential_provider=self._credentials,
        )


def _find_credentials(uri: str) -> "Boto3CredentialProvider":
    # boto3 takes a third of a second to import: only those who use s3:// pay for it.
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415
    from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415

    try:
        return Boto3CredentialProvider()
    except (BotoCoreError, ValueError) as error:
        raise no_credentials(uri, str(error) if isinstance(error, BotoCoreError) else None) from error


def _client_options() -> "ClientConfig":
    # No limit on a whole transfer, which may be large: a stalled one ends by the read timeout.
    return {
        "allow_http": True,
        "connect_timeout": timedelta(seconds=5),
        "read_timeout": timedelta(seconds=60),
        "timeout": timedelta(hours=1),
    }


def _retry_config(most: int, timeout_s: float) -> "RetryConfig":
    backoff: BackoffConfig = {
        "init_backoff": timedelta(seconds=FIRST_DELAY_S),
        "max_backoff": timedelta(seconds=LONGEST_DELAY_S),
        "base": 2,
    }
    return {"max_retries": most, "retry_timeout": timedelta(seconds=timeout_s), "backoff": backoff}


def _content_type(uri: str) -> str:
    """Return the media type of a file's name, by which browsers show a page where they would else store it."""
    kind, encoding = mimetypes.guess_type(uri.rpartition("/")[2])
    return "application/gzip" if encoding == "gzip" else kind or "application/octet-stream"
