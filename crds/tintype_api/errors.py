"""The one error that a user can cause."""

from tintype_api.constants import ExitCode, Reason


class UserError(Exception):
    """A sentence for a user, with the exit code and the reason that the operator shows.

    The message names the field or object, what is wrong with it and what to do; it is the same in the
    condition, the Event, the termination message and the log.
    """

    def __init__(self, message: str, *, exit_code: ExitCode, reason: Reason) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code
        self.reason = reason

    def __reduce__(self) -> tuple[object, ...]:
        """Return how pickle makes it anew in another process."""
        return _error, (self.message, self.exit_code, self.reason)


def _error(message: str, exit_code: ExitCode, reason: Reason) -> UserError:
    return UserError(message, exit_code=exit_code, reason=reason)


def invalid_spec(message: str) -> UserError:
    """Return the error for a spec that cannot be trained (exit 64)."""
    return UserError(message, exit_code=ExitCode.SPEC, reason=Reason.INVALID_SPEC)


def diverged(message: str) -> UserError:
    """Return the error for a training whose loss is no number any more (exit 64)."""
    return UserError(message, exit_code=ExitCode.SPEC, reason=Reason.DIVERGED)


def data_error(message: str) -> UserError:
    """Return the error for data that cannot be trained (exit 65)."""
    return UserError(message, exit_code=ExitCode.DATA, reason=Reason.DATA_ERROR)


def not_found(message: str) -> UserError:
    """Return the error for a data set, picture or weights that are not there (exit 66)."""
    return UserError(message, exit_code=ExitCode.NOT_FOUND, reason=Reason.NOT_FOUND)


def access_denied(message: str) -> UserError:
    """Return the error for storage that refuses the credentials (exit 66)."""
    return UserError(message, exit_code=ExitCode.NOT_FOUND, reason=Reason.ACCESS_DENIED)


def environment_error(message: str) -> UserError:
    """Return the error for a machine that lacks what the spec asks for (exit 78)."""
    return UserError(message, exit_code=ExitCode.ENVIRONMENT, reason=Reason.ENVIRONMENT)


def output_taken(message: str) -> UserError:
    """Return the error for an output where another version has published (exit 66)."""
    return UserError(message, exit_code=ExitCode.NOT_FOUND, reason=Reason.OUTPUT_TAKEN)


def output_not_writable(message: str) -> UserError:
    """Return the error for an output that cannot be written (exit 78)."""
    return UserError(message, exit_code=ExitCode.ENVIRONMENT, reason=Reason.OUTPUT_NOT_WRITABLE)


def storage_unreachable(message: str) -> UserError:
    """Return the error for storage that does not answer (exit 1: counted and tried again)."""
    return UserError(message, exit_code=ExitCode.FAILED, reason=Reason.STORAGE_UNREACHABLE)


def gpu_out_of_memory(message: str) -> UserError:
    """Return the error for a GPU that has too little memory (exit 1: another one may have more)."""
    return UserError(message, exit_code=ExitCode.FAILED, reason=Reason.GPU_OUT_OF_MEMORY)


def peer_lost(message: str) -> UserError:
    """Return the error of a process that another one of its training has left alone (exit 1)."""
    return UserError(message, exit_code=ExitCode.FAILED, reason=Reason.PEER_LOST)


def peer_missing(message: str) -> UserError:
    """Return the error of a process to which another one of its training did not come (exit 1)."""
    return UserError(message, exit_code=ExitCode.FAILED, reason=Reason.PEER_MISSING)


def checkpoint_not_saved(message: str) -> UserError:
    """Return a UserError for a checkpoint that could not be saved before the end; the Pod is tried again (exit 1)."""
    return UserError(message, exit_code=ExitCode.FAILED, reason=Reason.CHECKPOINT_NOT_SAVED)
