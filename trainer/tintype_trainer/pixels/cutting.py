"""Batches in parts, for devices that have no memory for the whole. Pure."""

from tintype_trainer.loop.plan import part_bounds
from tintype_trainer.pixels.batches import Batch


def cut(batch: Batch, parts: int) -> list[Batch]:
    """Return a batch in parts."""
    if parts == 1:
        return [batch]
    return [
        Batch(batch.images_B3HW[first:end], batch.shares_BK[first:end], batch.boxes[first:end])
        for first, end in part_bounds(len(batch), parts)
    ]


def cut_to(batch: Batch, at_once: int) -> list[Batch]:
    """Return a batch in as few parts as have at most so many examples each."""
    return cut(batch, -(-len(batch) // at_once))
