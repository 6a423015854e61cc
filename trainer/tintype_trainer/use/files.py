"""The files of a published version, read from its folder and verified against its manifest."""

import hashlib
from collections.abc import Mapping

from tintype_api.errors import UserError, data_error, not_found
from tintype_trainer.output.manifest import MANIFEST, Manifest, ManifestFile, read_manifest
from tintype_trainer.storage import Store, join


def manifest_of(folder: str, store: Store) -> Manifest:
    """Return the manifest of the version that is published in a folder.

    Raises:
        UserError: exit 66 where nothing is published there, 65 where its manifest is none.
    """
    content = store.read_or_none(join(folder, MANIFEST))
    if content is None:
        raise not_found(
            f"{folder} is no published version: it has no {MANIFEST}; name the folder of a version, "
            "<output.uri>/<namespace>/<name>, or an alias as <that folder>@<alias>"
        )
    manifest = read_manifest(content)
    if manifest is None:
        raise data_error(f"{join(folder, MANIFEST)} is no manifest of tintype; publish the version again")
    return manifest


def named_file(folder: str, files: Mapping[str, ManifestFile], name: str) -> ManifestFile:
    """Return what the manifest says of a file.

    Raises:
        UserError: exit 66 where the version has no such file.
    """
    file = files.get(name)
    if file is None:
        raise not_found(f"{folder} has no {name}; it has {', '.join(sorted(files))}")
    return file


def verified(folder: str, files: Mapping[str, ManifestFile], name: str, store: Store) -> bytes:
    """Return the content of a published file.

    Raises:
        UserError: exit 66 where the version has no such file, 65 where it is not as it was published.
    """
    file = named_file(folder, files, name)
    content = store.read(join(folder, file.path))
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise damaged(folder, file)
    return content


def damaged(folder: str, file: ManifestFile) -> UserError:
    """Return the error for a file that is not as it was published."""
    return data_error(f"{join(folder, file.path)} is not as it was published; publish the version again")
