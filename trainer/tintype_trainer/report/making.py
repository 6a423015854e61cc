"""Makes report.html of a version, with the pictures that there is room for."""

from collections.abc import Callable, Mapping
from typing import Final

from tintype_trainer.pixels.images import Picture
from tintype_trainer.report.gathering import gather, most_doubtful_first, with_pictures
from tintype_trainer.report.rendering import render
from tintype_trainer.report.sources import Sources
from tintype_trainer.report.thumbnails import thumbnails

MOST_BYTES: Final = 9_800_000
"""Of the whole file: what a mailbox takes."""
BYTES_BESIDE: Final = 48
"""What stands beside each picture in the page: its size, the start of its URI, quotes and commas."""


def make_report(
    sources: Sources,
    places: Mapping[str, int],
    picture_of: Callable[[int], Picture],
    workers: int,
    check: Callable[[], None] = lambda: None,
    unreachable: str | None = None,
) -> bytes:
    """Return report.html.

    Args:
        sources: The files of the version.
        places: The examples that have a picture, by id, as `picture_of` takes them.
        picture_of: Returns the picture of an example, uint8 (H, W, C), as it is annotated.
        workers: Threads that make pictures small.
        check: Called before each picture; may raise to stop.
        unreachable: Why there are no pictures, where there are none.
    """
    report = gather(sources)
    names = {places[name]: name for name in most_doubtful_first(report) if name in places}
    room_bytes = MOST_BYTES - len(render(report)) - BYTES_BESIDE * len(names)
    made = thumbnails(list(names), picture_of, room_bytes, workers, check)
    return render(with_pictures(report, {names[index]: each for index, each in made.items()}, unreachable))
