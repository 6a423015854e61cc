"""Puts the solar cells and the ImageNet weights where `examples/pv-cells.yaml` looks for them.

    python -m examples.pv_cells.prepare file:///tmp/pv-cells
    python -m examples.pv_cells.prepare s3://datasets/pv-cells

The photographs are CC BY-NC-SA 4.0 (see cells.py): they come from the installed package `elpv-dataset`, go to the
folder or bucket named, and belong in no repository and no image; nor does what is made from them.
"""

import argparse
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Final

from examples.pv_cells import weights
from examples.pv_cells.cells import folder, installed_cells, split
from examples.pv_cells.studio import dataset_file

from tintype_api.constants import Reason
from tintype_api.errors import UserError
from tintype_trainer.storage import Store, join

DATASET_NAME: Final = "pv-cells.jsonl"
SEED: Final = 0
CONCURRENCY: Final = 16
LICENCE_NOTE: Final = (
    "The photographs are CC BY-NC-SA 4.0 (Buerhop-Lutz et al. 2018, PyPI's elpv-dataset): "
    "commit neither them nor what is made from them."
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was put in place.

    Attributes:
        photographs: How many photographs the data set has.
        uploaded: How many of them were not there yet.
    """

    photographs: int
    uploaded: int


def prepare(uri: str, store: Store, progress: Callable[[int, int], None]) -> Prepared:
    """Write photographs, data set file and weights below a folder or prefix.

    Photographs that are there already in their size are not sent again.

    Args:
        uri: Folder or prefix; a bucket must exist.
        store: Storage.
        progress: Called with the photographs done and their number, after each.

    Raises:
        UserError: The storage refuses.
    """
    cells = installed_cells()
    uploaded = _upload_photographs(uri, store, [cell.path for cell in cells], progress)
    store.upload(join(uri, weights.FILE_NAME), weights.converted(weights.original_file().read_bytes()))
    store.upload(join(uri, DATASET_NAME), dataset_file(cells, split(cells, SEED)))
    return Prepared(photographs=len(cells), uploaded=uploaded)


def _upload_photographs(uri: str, store: Store, paths: list[str], progress: Callable[[int, int], None]) -> int:
    present = _sizes(store, join(uri, "images"))
    missing = [path for path in paths if present.get(join(uri, path)) != (folder() / path).stat().st_size]
    done = len(paths) - len(missing)
    progress(done, len(paths))
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        uploads = [pool.submit(store.upload, join(uri, path), folder() / path) for path in missing]
        try:
            for upload in as_completed(uploads):
                upload.result()
                done += 1
                progress(done, len(paths))
        finally:
            pool.shutdown(cancel_futures=True)
    return len(missing)


def _sizes(store: Store, uri: str) -> dict[str, int]:
    try:
        return {found.uri: found.size_bytes for found in store.list(uri)}
    except UserError as error:
        if error.reason == Reason.NOT_FOUND:  # a folder is made with its first file; a missing bucket is told of then
            return {}
        raise


def main() -> int:
    """Run the program; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("uri", help="where to, such as file:///tmp/pv-cells or s3://datasets/pv-cells")
    uri = parser.parse_args().uri
    try:
        prepared = prepare(uri, Store.from_settings(), _print_progress)
    except UserError as error:
        print(f"error: {error.message}", file=sys.stderr)
        return error.exit_code
    print(f"{uri} has {prepared.photographs} photographs ({prepared.uploaded} new), data set file and weights.")
    print(LICENCE_NOTE)
    return 0


def _print_progress(done: int, total: int) -> None:
    if sys.stdout.isatty():
        print(f"\rphotographs {done}/{total}", end="\n" if done == total else "", flush=True)
    elif done % 500 == 0 or done == total:
        print(f"photographs {done}/{total}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
