"""Storage by URI: `s3://` and `file://` behind one seam, `Store`; errors of users are sentences."""

from tintype_trainer.storage.store import Store
from tintype_trainer.storage.types import Download, ObjectInfo, Uploaded
from tintype_trainer.storage.uri import is_folder, join

__all__ = ["Download", "ObjectInfo", "Store", "Uploaded", "is_folder", "join"]
