"""Where a command writes its page: a file, or a URI of storage."""

from pathlib import Path

from tintype_api.errors import environment_error
from tintype_trainer.storage import Store


def put_page(place: str, page: bytes, store: Store) -> None:
    """Write a page to what --output names.

    It is not read back: a publish may write the library's page at the same time.

    Raises:
        UserError: exit 78 where the file cannot be written; else as storage says.
    """
    if "://" in place:
        store.write(place, page)
        return
    try:
        Path(place).write_bytes(page)
    except OSError as error:
        raise environment_error(f"--output: {place} cannot be written ({error.strerror}); choose another") from error
