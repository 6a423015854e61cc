"""The frozen list of examples: canonical lines, their digest, and the counts for status. Pure."""

from dataclasses import dataclass

from tintype_api.status import DatasetStatus
from tintype_trainer.dataset import Staged


@dataclass(frozen=True, slots=True)
class FrozenDataset:
    """What a run trains on, fixed.

    Attributes:
        lines_gz: The list as gzipped JSON lines, the content of dataset.jsonl.gz; equal lists are equal bytes.
        digest: "sha256:" and the hexadecimal sha256 of the uncompressed list.
        validation_digest: The same of the validation lines alone; None without a validation set.
        status: What `status.dataset` shows.
    """

    lines_gz: bytes
    digest: str
    validation_digest: str | None
    status: DatasetStatus


def freeze(staged: Staged) -> FrozenDataset:
    """Return the frozen list.

    A line holds id, concept, split and the sha256 of the picture's file, so that the digest pins the pixels and
    depends on no machine, cache, bucket or namespace.
    """
    raise NotImplementedError
