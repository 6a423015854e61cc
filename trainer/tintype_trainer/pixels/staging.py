"""Brings the pictures of a selection to this machine and checks that each can be decoded.

Checking costs one decoding of each picture, once: a truncated file is found now and not in the middle of the
training. Missing pictures and files that are no pictures are left out, counted and listed; denied access, a missing
bucket and storage that does not answer end the run, since they are no fault of a picture.
"""

import hashlib
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tintype_api.errors import UserError, data_error
from tintype_api.status import Unreadable
from tintype_trainer.datasets.dataset import Example, Selection, Split, Staged, StagedExample, counts
from tintype_trainer.pixels.cache import PictureCache
from tintype_trainer.pixels.pictures import UnreadablePicture, check_picture
from tintype_trainer.sentences import NAMED, first_of
from tintype_trainer.storage import MissingObject, Store, local_path
from tintype_trainer.storage.uri import FILE_SCHEME

MAX_UNREADABLE_SHARE: Final = 0.05
"""Share of the pictures that may be unreadable; above it the data is taken to be broken as a whole."""
FETCHERS: Final = 32
"""Pictures that are fetched at once."""
MAX_DECODERS: Final = 8
"""Pictures that are decoded at once, at most, which bounds the memory."""
SENTENCE_LENGTH: Final = 300

Progress = Callable[[int, int], None]
"""Called with pictures done and pictures in all, from the calling thread."""


def stage(selection: Selection, store: Store, cache: Path, *, progress: Progress | None = None) -> Staged:
    """Return the selection with a local file for each picture that can be decoded; each picture is brought once.

    Pictures of s3:// are kept in `cache` and are fetched again only where the server's version changed; those of
    file:// are used where they are. What an epoch trains on is each training example once.

    Raises:
        UserError: exit 65 where too many are unreadable or a concept loses all its training examples; exit 78
            where the cache is full or not writable; 66 and 1 as the store says.
    """
    stager = _Stager(store, cache)
    names = {example.uri: example.id for example in reversed(selection.examples)}
    uris = list(dict.fromkeys(example.uri for example in selection.examples))
    pictures: dict[str, _Picture] = {}
    faults: list[str] = []
    for done, result in enumerate(_parallel(stager.stage, uris), start=1):
        if isinstance(result, _Picture):
            pictures[result.uri] = result
        else:
            faults.append(f"{names[result.uri]} {result.why}"[:SENTENCE_LENGTH])
        if progress:
            progress(done, len(uris))
    examples = tuple(pictures[each.uri].of(each) for each in selection.examples if each.uri in pictures)
    unreadable = Unreadable(count=len(faults), examples=tuple(faults[:NAMED]))
    _check(selection, [staged.example for staged in examples], unreadable, len(uris))
    training = tuple(i for i, staged in enumerate(examples) if staged.example.split is Split.TRAIN)
    return Staged(selection, examples, unreadable, training)


@dataclass(frozen=True, slots=True)
class _Picture:
    uri: str
    path: Path
    sha256: str
    width: int
    height: int
    pixels_sha256: str

    def of(self, example: Example) -> StagedExample:
        return StagedExample(example, self.path, self.sha256, self.width, self.height, self.pixels_sha256)


@dataclass(frozen=True, slots=True)
class _Fault:
    uri: str
    why: str


class _Stager:
    def __init__(self, store: Store, cache: Path) -> None:
        self._store = store
        self._directory = cache
        self._cache: PictureCache | None = None
        self._lock = threading.Lock()
        self._decoders = threading.Semaphore(min(MAX_DECODERS, len(os.sched_getaffinity(0))))

    def stage(self, uri: str) -> _Picture | _Fault:
        try:
            return self._in_place(uri) if uri.startswith(FILE_SCHEME) else self._fetched(uri)
        except MissingObject:
            return _Fault(uri, "does not exist")
        except UnreadablePicture as error:
            return _Fault(uri, str(error))

    def _in_place(self, uri: str) -> _Picture:
        data = self._store.read(uri)
        with self._decoders:
            checked = check_picture(data)
        sha256 = hashlib.sha256(data).hexdigest()
        return _Picture(uri, local_path(uri), sha256, checked.width, checked.height, checked.pixels_sha256)

    def _fetched(self, uri: str) -> _Picture:
        path, cached = self._opened_cache().picture(uri, self._decoders)
        return _Picture(uri, path, cached.sha256, cached.width, cached.height, cached.pixels_sha256)

    def _opened_cache(self) -> PictureCache:
        with self._lock:
            self._cache = self._cache or PictureCache(self._directory, self._store)
            return self._cache


def _parallel(work: Callable[[str], _Picture | _Fault], uris: Iterable[str]) -> Iterator[_Picture | _Fault]:
    """Yield the results in order; at most a few times FETCHERS are under way, whatever the size of the data set."""
    pool = ThreadPoolExecutor(FETCHERS, thread_name_prefix="stage")
    pending: deque[Future[_Picture | _Fault]] = deque()
    try:
        for uri in uris:
            pending.append(pool.submit(work, uri))
            if len(pending) >= 4 * FETCHERS:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _check(selection: Selection, left: list[Example], unreadable: Unreadable, total: int) -> None:
    if unreadable.count > MAX_UNREADABLE_SHARE * total:
        raise _broken(unreadable, total, f"more than {MAX_UNREADABLE_SHARE:.0%}")
    before, table = counts(selection.examples, selection.concepts), counts(left, selection.concepts)
    for concept in selection.concepts:
        if before[concept][Split.TRAIN] and not table[concept][Split.TRAIN]:
            raise _broken(unreadable, total, f"among them all training examples of '{concept}'")
    for split in Split:
        there = any(example.split is split for example in selection.examples)
        if there and not any(example.split is split for example in left):
            raise _broken(unreadable, total, f"among them all of the {split} set")


def _broken(unreadable: Unreadable, total: int, how: str) -> UserError:
    listed = first_of(unreadable.examples, unreadable.count)
    said = f"dataset: {unreadable.count} of {total} pictures cannot be read, {how}"
    return data_error(f"{said}; correct these or remove them: {listed}")
