"""How a page names another file: relative to itself, so that both can move together. Pure."""

import posixpath
from urllib.parse import quote

from tintype_trainer.storage import parent
from tintype_trainer.storage.uri import FILE_SCHEME, S3_SCHEME


def relative_address(page_uri: str, uri: str) -> str | None:
    """Return the address of a file from a page in the same file system or bucket; None from anywhere else."""
    folder = parent(page_uri)
    if uri.startswith(FILE_SCHEME) and page_uri.startswith(FILE_SCHEME):
        return posixpath.relpath(uri.removeprefix(FILE_SCHEME), folder.removeprefix(FILE_SCHEME) or "/")
    if uri.startswith(S3_SCHEME) and page_uri.startswith(S3_SCHEME) and _bucket(uri) == _bucket(page_uri):
        # A file in the same folder whose name has a colon would be taken for a scheme without "./".
        return "./" + quote(posixpath.relpath(uri.removeprefix(S3_SCHEME), folder.removeprefix(S3_SCHEME)))
    return None


def _bucket(uri: str) -> str:
    return uri.removeprefix(S3_SCHEME).partition("/")[0]
