"""What a training runs on: the device, its threads and its precision."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from tintype_api.constants import ENV_CPU_STANDS_FOR_GPU
from tintype_api.errors import environment_error
from tintype_api.quantity import threads
from tintype_api.spec.run import Compute
from tintype_api.spec.training import Precision


@dataclass(frozen=True, slots=True)
class Device:
    """Where tensors live and how they are computed with.

    Attributes:
        torch_device: torch's device.
        bfloat16: Whether forward passes run under bf16 autocast.
        threads: torch's threads on the CPU.
    """

    torch_device: torch.device
    bfloat16: bool
    threads: int

    @property
    def precision(self) -> str:
        """The precision of forward passes."""
        return "bf16" if self.bfloat16 else "fp32"

    @contextmanager
    def autocast(self) -> Iterator[None]:
        """Be the context of forward passes."""
        kind = self.torch_device.type
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=self.bfloat16):
            if self.bfloat16 and kind == "cpu":
                with _Float32OnSmallMaps():
                    yield
            else:
                yield


class _Float32OnSmallMaps(TorchFunctionMode):
    """Computes convolutions of maps that are smaller than their kernel in fp32.

    In bf16 on the CPU, oneDNN (as of torch 2.15) leaves the gradient of those weights that meet nothing but padding as
    it finds it in memory, where the stride or the padding is above 1.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> object:
        if func is torch.conv2d and _is_smaller(args[0], args[1]):
            with torch.autocast("cpu", enabled=False):
                return func(args[0].float(), *args[1:], **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _is_smaller(map_BCHW: torch.Tensor, kernel: torch.Tensor) -> bool:
    return map_BCHW.shape[2] < kernel.shape[2] or map_BCHW.shape[3] < kernel.shape[3]


def prepare_device(
    compute: Compute,
    precision: Precision = Precision.AUTO,
    environment: Mapping[str, str] = os.environ,
    local_rank: int = 0,
) -> Device:
    """Set torch's threads from compute.cpu, choose deterministic kernels, and return the device.

    Auto is fp32 on the CPU, where bf16 gains nothing without special instructions, and bf16 on GPUs that have it.

    Args:
        compute: What the node's processes have together.
        precision: training.precision.
        environment: Variables of the process.
        local_rank: Number of this process on its node, which is that of its GPU.

    Raises:
        UserError: exit 78 where compute.gpus asks for a GPU and there is none, or training.precision for bf16 on a GPU
            that has none.
    """
    own_threads = max(1, threads(compute.cpu) // compute.processes_per_node)
    torch.set_num_threads(own_threads)
    torch.backends.cudnn.deterministic = True
    if compute.gpus == 0 or environment.get(ENV_CPU_STANDS_FOR_GPU):
        bfloat16 = precision is Precision.BFLOAT16
        return Device(torch.device("cpu"), bfloat16=bfloat16, threads=own_threads)
    if not torch.cuda.is_available():
        raise environment_error(
            f"compute.gpus is {compute.gpus}, but torch finds no CUDA GPU here; set compute.gpus to 0 to train on "
            "the CPU, or check the GPU's driver"
        )
    if compute.gpus > torch.cuda.device_count():
        raise environment_error(
            f"compute.gpus is {compute.gpus}, but torch finds only {torch.cuda.device_count()} here; lower it, or "
            "train where there are more"
        )
    device = torch.device("cuda", local_rank)
    torch.cuda.set_device(device)
    return Device(device, bfloat16=_bfloat16_on_gpu(precision), threads=own_threads)


def _bfloat16_on_gpu(precision: Precision) -> bool:
    """Return whether the GPU computes in bf16; torch would emulate it, slowly, where the GPU has none."""
    has_it = torch.cuda.is_bf16_supported(including_emulation=False)
    if precision is Precision.BFLOAT16 and not has_it:
        raise environment_error(
            f"training.precision is {precision}, which this GPU ({torch.cuda.get_device_name()}) does not have; set it "
            f"to {Precision.FLOAT32} or {Precision.AUTO}, or ask for a newer GPU"
        )
    return has_it and precision is not Precision.FLOAT32
