"""How a run ends that did not end well: exit code, reason and one sentence for each exception. Standard library only.

Nothing heavy is imported here, so that an error during the import of torch is told of, too.
"""

import errno
from typing import Final

from tintype_api.constants import ExitCode, Reason
from tintype_api.errors import UserError
from tintype_trainer.gpu_memory import is_out_of_gpu_memory
from tintype_trainer.interruption import Interrupted
from tintype_trainer.reporting.termination import Outcome

CRASH: Final = 1
CPU_ALLOCATOR: Final = "can't allocate memory"


def outcome_of(error: BaseException) -> Outcome:
    """Return how the run ends after this exception."""
    match error:
        case UserError():
            return Outcome(error.exit_code, error.reason, error.message)
        case Interrupted():
            return Outcome(ExitCode.INTERRUPTED, Reason.INTERRUPTED, "the training was interrupted by SIGTERM")
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            where = error.filename or "the working directory"
            return Outcome(
                ExitCode.ENVIRONMENT, Reason.ENVIRONMENT, f"{where} cannot be written, the disk is full; give it space"
            )
        case _ if is_out_of_gpu_memory(error):
            said = "the GPU ran out of memory; lower training.batchSize or the size in imageResizer"
            return Outcome(CRASH, Reason.GPU_OUT_OF_MEMORY, said)
        case _ if is_out_of_memory(error):
            return Outcome(
                CRASH,
                Reason.CRASHED,
                "the training ran out of memory; raise compute.memory, or lower training.batchSize",
            )
        case _:
            return Outcome(CRASH, Reason.CRASHED, f"the trainer crashed: {type(error).__name__}: {first_line(error)}")


def is_ours(error: BaseException) -> bool:
    """Return whether the exception is a bug of ours, whose traceback belongs in the log."""
    told = isinstance(error, UserError) or is_out_of_gpu_memory(error) or is_out_of_memory(error)
    return not told and outcome_of(error).exit_code == CRASH


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether the machine's memory ended: Python's own error, or that of torch's allocator."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and CPU_ALLOCATOR in str(error))


def first_line(error: BaseException) -> str:
    """Return the first line of an exception's text."""
    return next(iter(str(error).splitlines()), "no message")
