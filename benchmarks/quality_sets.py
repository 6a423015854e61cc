"""The data sets of `quality.py`, put together from the installed photographs of solar cells."""

from pathlib import Path

from examples.pv_cells.prepare import prepare

from tintype_trainer.storage import Store


def prepare_sets(work: Path) -> None:
    """Write photographs, weights and the data set files below a folder, where they are not there yet."""
    prepare(work.as_uri(), Store.from_settings(), lambda _done, _total: None)
