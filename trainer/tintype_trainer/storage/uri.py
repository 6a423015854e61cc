"""URIs of storage. Pure.

The key of an s3:// URI stands as it is, as in the tools of AWS; the path of a file:// URI is percent-encoded
where it must be (RFC 8089), so that `pathlib.Path.as_uri` makes valid ones.
"""

from pathlib import Path
from urllib.parse import quote, unquote

from tintype_api.errors import invalid_spec

S3_SCHEME = "s3://"
FILE_SCHEME = "file://"


def as_uri(place: str) -> str:
    """Return a URI as it is, and a path of this machine as a file:// URI."""
    return place if "://" in place else Path(place).absolute().as_uri()


def is_folder(uri: str) -> bool:
    """Return whether the URI says by its end that it is a folder or prefix."""
    return uri.endswith("/")


def as_folder(uri: str) -> str:
    """Return the URI with exactly the final slash that marks a folder."""
    return uri if is_folder(uri) else uri + "/"


def join(uri: str, *names: str) -> str:
    """Return the URI of an object below a folder; `names` are plain names or relative paths, not encoded."""
    parts = [quote(name) for name in names] if uri.startswith(FILE_SCHEME) else list(names)
    return as_folder(uri) + "/".join(parts)


def relative_path(folder: str, uri: str) -> str:
    """Return the path of an object below a folder (with its final slash), not encoded: the reverse of `join`."""
    path = uri.removeprefix(folder)
    return unquote(path) if uri.startswith(FILE_SCHEME) else path


def parent(uri: str) -> str:
    """Return the folder that an object lies in, without a final slash."""
    return uri.rpartition("/")[0]


def local_path(uri: str) -> Path:
    """Return the local path of a file:// URI."""
    return Path(unquote(uri.removeprefix(FILE_SCHEME)))


def bucket_and_key(uri: str) -> tuple[str, str]:
    """Return bucket and key of an s3:// URI; the key is empty for a whole bucket.

    Raises:
        UserError: exit 64 where there is no bucket.
    """
    bucket, _, key = uri.removeprefix(S3_SCHEME).partition("/")
    if not uri.startswith(S3_SCHEME) or not bucket:
        raise invalid_spec(f"{uri} is no URI of storage; give it as s3://bucket/key or file:///path")
    return bucket, key
