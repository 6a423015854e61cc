"""A GPU that has no memory left: how an error says so, and what is done at once. torch is imported only when needed."""

from typing import Final

ALLOCATORS_BESIDE_TORCH: Final = (
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
"""Of CUDA and its libraries, which take memory without torch's allocator; they are plain RuntimeErrors."""


def is_out_of_gpu_memory(error: BaseException) -> bool:
    """Return whether a GPU's memory ended: torch.OutOfMemoryError, by its name, or what CUDA's libraries say."""
    if type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in ALLOCATORS_BESIDE_TORCH)


def release_memory() -> None:
    """Give the device's cached memory back, so that it is not in pieces."""
    import torch  # noqa: PLC0415  # this module is imported before torch is

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
