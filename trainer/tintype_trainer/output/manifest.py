"""What manifest.json holds: whose version it is, and every file with size and sha256. Pure."""

import json
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from tintype_api.constants import API_VERSION
from tintype_api.model import Model
from tintype_api.status import Artifacts

MANIFEST: Final = "manifest.json"
WEIGHTS_FILE: Final = "best.safetensors"
MODEL_FILE: Final = "model.json"
DATASET_FILE: Final = "dataset.jsonl.gz"
METRICS_FILE: Final = "metrics.jsonl"
EVALUATION_FILE: Final = "evaluation.json"
PREDICTIONS_FILE: Final = "predictions.jsonl.gz"


class ManifestFile(Model):
    """One published file."""

    name: str
    path: Annotated[str, Field(pattern=r"^runs/\w[\w.-]*/\w[\w.-]*$")]
    """Path below the version's folder."""
    size_bytes: int
    sha256: str
    """Of its content, hexadecimal."""


class Manifest(Model):
    """What a version consists of; a version without a manifest is not published."""

    api_version: Literal["tintype.dev/v1alpha1"] = API_VERSION
    kind: Literal["Manifest"] = "Manifest"
    namespace: str
    name: str
    identity: str
    """uid of the ModelVersion in a cluster, else a digest of the resolved version."""
    run: str
    """The run that made the files; they lie below runs/<run>/."""
    dataset_digest: str
    files: tuple[ManifestFile, ...]
    not_exported: str | None = None
    """Why a format of output.formats is not among the files."""

    def to_bytes(self) -> bytes:
        """Return the content of manifest.json."""
        return (json.dumps(self.to_wire(), indent=2, ensure_ascii=False) + "\n").encode()

    def artifacts(self, uri: str, manifest_sha256: str) -> Artifacts:
        """Return what status shows of the version in the folder `uri`."""
        size_bytes = sum(file.size_bytes for file in self.files)
        return Artifacts(
            uri=uri,
            files=len(self.files),
            size_bytes=size_bytes,
            manifest_sha256=manifest_sha256,
            not_exported=self.not_exported,
        )


def read_manifest(content: bytes) -> Manifest | None:
    """Return the manifest, or None where the content is no manifest."""
    try:
        return Manifest.model_validate_json(content)
    except ValidationError:
        return None
