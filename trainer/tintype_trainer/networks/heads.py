"""Which of a network's layers belong to its head, and where each concept is in them."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class HeadLayer:
    """A layer whose first dimension follows from the number of concepts.

    Its rows are `groups` blocks, each of `before` + concepts + `after` cells of `width` rows.

    Attributes:
        name: Of the module that has `weight` and perhaps `bias`.
        groups: Such as anchors at one place.
        before: Cells before those of the concepts, such as the background.
        after: Cells after them.
        width: Rows in a cell, such as 4 for a box.
    """

    name: str
    groups: int = 1
    before: int = 0
    after: int = 0
    width: int = 1

    def cells(self, tensor: Tensor) -> Tensor:
        """Return a view of the layer's weight or bias as (groups, cells, width, ...)."""
        return tensor.view(self.groups, -1, self.width, *tensor.shape[1:])

    def concepts(self, tensor: Tensor) -> int:
        """Return for how many concepts a weight or bias of this layer is."""
        return len(tensor) // (self.groups * self.width) - self.before - self.after

    def keep(self, own: Tensor, other: Tensor, rows: dict[int, int]) -> Tensor:
        """Return a copy of `own` with what belongs to no concept, and the concepts `rows`, taken from `other`.

        Args:
            own: Weight or bias of this layer.
            other: The same for perhaps other concepts; equal but in the first dimension.
            rows: Index of a concept in `own`: its index in `other`.
        """
        kept = own.clone()
        mine, theirs = self.cells(kept), self.cells(other)
        mine[:, : self.before] = theirs[:, : self.before]
        if self.after:
            mine[:, -self.after :] = theirs[:, -self.after :]
        if rows:
            to = torch.tensor(list(rows.keys())) + self.before
            from_ = torch.tensor(list(rows.values())) + self.before
            mine[:, to] = theirs[:, from_]
        return kept
