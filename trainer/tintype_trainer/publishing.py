"""Publishes a version: its files below runs/<run id>/, then the manifest that points at them."""

from pathlib import Path

from tintype_api.modelversion import ModelVersion
from tintype_api.status import Artifacts
from tintype_trainer.storage import Store


class Publisher:
    """Publishes the files of one run of one version to `<output.uri>/<namespace>/<name>/`.

    Use: `begin` before anything is trained, `add` for each file, `finish` at the end.
    """

    def __init__(self, store: Store, version: ModelVersion, run_id: str) -> None:
        """Take the resolved version and the run's id (the Pod's uid in a cluster)."""
        raise NotImplementedError

    def begin(self) -> Artifacts | None:
        """Check that this version may be published here and that the output is writable; write modelversion.json.

        Returns:
            What is already published under this identity (nothing is left to do: report it as success), else None.

        Raises:
            UserError: exit 66 OutputTaken where another version has published here, 66 AccessDenied or NotFound,
                78 OutputNotWritable.
        """
        raise NotImplementedError

    def add(self, name: str, content: bytes | Path) -> None:
        """Upload one file of the version under its plain name, such as "best.safetensors", and verify it."""
        raise NotImplementedError

    def finish(self, dataset_digest: str) -> Artifacts:
        """Write the manifest over all added files; from then on the version is published.

        Where another run of the same version has published meanwhile, its artifacts are returned.

        Raises:
            UserError: exit 66 OutputTaken where another version has published here meanwhile.
        """
        raise NotImplementedError


def verify_manifest(uri: str, store: Store) -> Artifacts:
    """Check every file of a published version (`uri`: its folder) against manifest.json by size and sha256.

    Raises:
        UserError: exit 65 naming the files that differ or are missing.
    """
    raise NotImplementedError


def run_id() -> str:
    """Return the id of this run: the Pod's uid in a cluster, else a new random one."""
    raise NotImplementedError
