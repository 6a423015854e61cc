"""Storage by URI: `s3://` and `file://` behind one seam, `Store`; errors of users are sentences."""

from tintype_trainer.storage.local import cache_error, part_path, temporary_folder
from tintype_trainer.storage.store import Store
from tintype_trainer.storage.types import Download, MissingObject, ObjectInfo, Uploaded
from tintype_trainer.storage.uri import as_folder, as_uri, is_folder, join, local_path, parent, relative_path

__all__ = [
    "Download",
    "MissingObject",
    "ObjectInfo",
    "Store",
    "Uploaded",
    "as_folder",
    "as_uri",
    "cache_error",
    "is_folder",
    "join",
    "local_path",
    "parent",
    "part_path",
    "relative_path",
    "temporary_folder",
]
