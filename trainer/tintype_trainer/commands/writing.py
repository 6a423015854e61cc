"""Files that a command was asked to write by --output."""

from pathlib import Path

from tintype_api.errors import environment_error
from tintype_trainer.storage.local import write_aside


def write_output(place: str, content: bytes) -> None:
    """Write a file aside and move it to its place: a full disk or a kill leaves what was there before.

    Raises:
        UserError: exit 78 where it cannot be written.
    """
    path = Path(place).resolve()
    try:
        if path.exists() and not path.is_file():
            # A pipe or a terminal takes it as it comes; a folder refuses it.
            path.write_bytes(content)
            return
        path.parent.stat()
        write_aside(path, content).replace(path)
    except OSError as error:
        raise environment_error(f"--output: {place} cannot be written ({error.strerror}); choose another") from error
