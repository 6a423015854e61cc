"""Brings the pictures of a selection to this machine and checks that each can be decoded."""

from collections.abc import Callable
from pathlib import Path

from tintype_trainer.dataset import Selection, Staged
from tintype_trainer.storage import Store

Progress = Callable[[int, int], None]
"""Called with pictures done and pictures in all, from the calling thread."""


def stage(selection: Selection, store: Store, cache: Path, *, progress: Progress | None = None) -> Staged:
    """Return the selection with a local file for each picture that can be decoded.

    Pictures of s3:// are kept in `cache` and are fetched again only where the server's version changed; those of
    file:// are used where they are.

    Raises:
        UserError: exit 65 where too many are unreadable or a concept loses all its training examples; exit 78
            where the cache is full or not writable.
    """
    raise NotImplementedError
