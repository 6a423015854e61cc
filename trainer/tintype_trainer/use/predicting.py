"""Applies a published version to a stream of pictures, read in parallel and looked at in batches."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Final

from tintype_trainer.pixels.images import decode_bytes
from tintype_trainer.pixels.pictures import UnreadablePicture
from tintype_trainer.pixels.reading import Seen
from tintype_trainer.storage import MissingObject, Store
from tintype_trainer.use.applying import Answer, Applied
from tintype_trainer.use.inputs import Wanted

READERS_PER_THREAD: Final = 4
"""Readers wait for storage most of the time."""


@dataclass(frozen=True, slots=True)
class Predicted:
    """What became of one wanted picture.

    Attributes:
        wanted: What was asked for.
        size: Width and height of the picture in pixels, None where it could not be read.
        answer: The network's; None where the picture could not be read.
        error: Why it could not be read.
    """

    wanted: Wanted
    size: tuple[int, int] | None = None
    answer: Answer | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    wanted: Wanted
    size: tuple[int, int]
    seen: Seen


def predict(applied: Applied, wanted: Iterable[Wanted], store: Store, batch_size: int) -> Iterator[Predicted]:
    """Yield the answer to each wanted picture, in their order; at most a few batches of pictures are held.

    A picture that is missing, or is none, has an error instead of an answer, and the others go on.

    Raises:
        UserError: where storage denies access or does not answer.
    """

    def read(group: Sequence[Wanted]) -> list[_Read | Predicted]:
        """Read the picture that all of them are of, once."""
        try:
            picture = decode_bytes(store.read(group[0].uri))
        except MissingObject:
            return [Predicted(each, error="does not exist") for each in group]
        except UnreadablePicture as error:
            return [Predicted(each, error=str(error)) for each in group]
        height, width, _ = picture.shape
        return [_Read(each, (width, height), applied.see(picture, each)) for each in group]

    of_pictures = (list(group) for _, group in groupby(wanted, key=lambda each: each.uri))
    readers = READERS_PER_THREAD * applied.device.threads
    for batch in _batches(_in_order(read, of_pictures, readers, 2 * batch_size), batch_size):
        yield from _answered(applied, batch)


def _answered(applied: Applied, batch: Sequence[_Read | Predicted]) -> Iterator[Predicted]:
    seen = [each.seen for each in batch if isinstance(each, _Read)]
    answers = iter(applied.answer(seen) if seen else [])
    for each in batch:
        yield Predicted(each.wanted, each.size, next(answers)) if isinstance(each, _Read) else each


def _in_order(
    read: Callable[[Sequence[Wanted]], list[_Read | Predicted]],
    of_pictures: Iterable[Sequence[Wanted]],
    workers: int,
    ahead: int,
) -> Iterator[_Read | Predicted]:
    """Yield what was read in order; pictures are read ahead until so many answers are wanted of them."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="reader")
    pending: deque[tuple[int, Future[list[_Read | Predicted]]]] = deque()
    held = 0
    try:
        for group in of_pictures:
            pending.append((len(group), pool.submit(read, group)))
            held += len(group)
            while held > ahead:
                count, first = pending.popleft()
                held -= count
                yield from first.result()
        for _, future in pending:
            yield from future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _batches(items: Iterator[_Read | Predicted], size: int) -> Iterator[list[_Read | Predicted]]:
    while batch := list(islice(items, size)):
        yield batch
