"""Decoded pictures, kept in memory as far as a budget goes."""

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tintype_trainer.pixels.images import Picture, decode

PROCESS_BYTES: Final = 2 << 30
"""What torch, the network and its batches take before the first picture is kept."""
BUDGET_SHARE: Final = 0.5
"""Of the memory beyond PROCESS_BYTES, the part for decoded pictures; the rest is room for larger networks."""


class PictureMemory:
    """The pictures of a run by index: decoded when first read, then kept while the budget allows.

    What is kept is the whole decoded picture, neither resized nor padded, so that the budget changes the time that a
    batch takes and never its pixels. A picture that several examples show, as the regions of a child view, is kept
    once. The first pictures stay: an epoch reads all of them once, so that replacing some by others would only move
    the misses. Safe to use from many threads at once.
    """

    def __init__(self, paths: Sequence[Path], budget_bytes: int) -> None:
        self._paths = paths
        self._free_bytes = budget_bytes
        self._kept: dict[Path, Picture] = {}
        self._lock = threading.Lock()

    def __getitem__(self, index: int) -> Picture:
        """Return the picture as uint8 (H, W, C), which nobody may change."""
        path = self._paths[index]
        kept = self._kept.get(path)
        return kept if kept is not None else self._keep(path, decode(path))

    @property
    def kept(self) -> int:
        """Pictures in memory."""
        return len(self._kept)

    def _keep(self, path: Path, picture: Picture) -> Picture:
        with self._lock:
            if path not in self._kept and picture.nbytes <= self._free_bytes:
                self._kept[path] = picture
                self._free_bytes -= picture.nbytes
        return picture


def picture_budget_bytes(memory_bytes: int) -> int:
    """Return the bytes for decoded pictures under a limit of memory: half of what is beyond 2 GiB.

    The limit is compute.memory, or this machine's memory where that is less, as on a laptop.
    """
    machine_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(0, int((min(memory_bytes, machine_bytes) - PROCESS_BYTES) * BUDGET_SHARE))
