"""BatchNorm over several GPUs: statistics of the whole batch instead of each GPU's share."""

from torch import nn

from tintype_trainer.device import Device
from tintype_trainer.processes.group import Group


def share_batch_norm(network: nn.Module, group: Group, device: Device) -> None:
    """Let BatchNorm take its statistics from all processes, in place; on the CPU torch has nothing that could.

    timm's conversion knows its own layers of BatchNorm with an activation, which torch's would lose.
    """
    if group.size > 1 and device.torch_device.type == "cuda":
        from timm.layers.norm_act import convert_sync_batchnorm  # noqa: PLC0415  # takes seconds to import

        convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
