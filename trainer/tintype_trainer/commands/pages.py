"""Where a command writes its page: a file, or a URI of storage."""

from tintype_trainer.commands.writing import write_output
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
    write_output(place, page)
