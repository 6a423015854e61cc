"""What the processes of a training tell each other, as seen by one that is alone."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from torch import Tensor

from tintype_trainer.interruption import Cancelled, Interrupted
from tintype_trainer.loop.plan import part_bounds

T = TypeVar("T")


class Group:
    """A process that trains alone. `Joined` is one of several: each of these methods is then called by all of them.

    Attributes:
        rank: Number of this process, from 0; rank 0 reports and publishes.
        size: How many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process is the one that reports, saves and publishes."""
        return self.rank == 0

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """Return, for each flag, whether it holds in any process."""
        return flags

    def sum(self, numbers: Sequence[float]) -> Sequence[float]:
        """Return the sums of numbers over all processes."""
        return numbers

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors, of one type and on one device, by their sums over all processes."""

    def level(self, tensors: Iterable[Tensor]) -> None:
        """Replace tensors by those of rank 0."""

    def first(self, value: T) -> T:
        """Return what rank 0 has given."""
        return value

    def gather(self, value: T) -> list[T]:
        """Return what each process has given, in the order of their ranks."""
        return [value]

    def one_after_another(self, action: Callable[[], T]) -> T:
        """Do something that the first process of each node makes easy for the others there: they follow it."""
        return action()

    def bounds(self, examples: int) -> tuple[int, int]:
        """Return (first, past the last) of this process's share of some examples; shares differ by at most one."""
        return part_bounds(examples, self.size)[self.rank]

    def in_step(self, check: Callable[[], None]) -> None:
        """Call `check` in every process and let what stops one of them stop all.

        Raises:
            Interrupted, Cancelled: as `check` raised it, here or elsewhere.
        """
        stopped: Interrupted | Cancelled | None = None
        try:
            check()
        except (Interrupted, Cancelled) as error:
            stopped = error
        (together,) = self.any(stopped is not None)
        if together:
            raise stopped or Interrupted


ALONE = Group()
