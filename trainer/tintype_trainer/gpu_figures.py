"""What a GPU's driver says of it while a run trains on it."""

from collections.abc import Callable

import torch

from tintype_trainer.meter import GpuFigures


def gpu_reader(device: torch.device) -> Callable[[], GpuFigures | None]:
    """Return what reads a device; it finds nothing where that is no GPU."""
    return (lambda: None) if device.type != "cuda" else (lambda: _read(device))


def _read(device: torch.device) -> GpuFigures | None:
    try:
        free_bytes, total_bytes = torch.cuda.mem_get_info(device)
    except RuntimeError:
        return None  # A GPU that has failed is told of by the training; a scrape is no place for it.
    return GpuFigures(total_bytes - free_bytes, total_bytes, _busy(device))


def _busy(device: torch.device) -> float | None:
    """Return the share of the latest sample in which something ran; None without NVIDIA's management library."""
    try:
        return torch.cuda.utilization(device) / 100
    except Exception:  # noqa: BLE001  # that library has errors of its own, and a scrape must not fail by any
        return None
