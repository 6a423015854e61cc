"""The trainer's own command as a training Pod runs it, in a process without a container.

    python -m support.trainer_by_hand FOLDER run modelversion.json ...

FOLDER has the token and the authority that the kubelet would mount. Where it has a file `gpu-busy`, that stands for the
driver of a GPU: it holds what NVIDIA's library would say, how busy the GPU is in percent.
"""

import functools
import sys
from pathlib import Path

import torch

import tintype_trainer.run
from tintype_trainer import cli
from tintype_trainer.commands import run
from tintype_trainer.gpu_figures import gpu_reader
from tintype_trainer.reporting.apiserver import in_cluster_server

GPU_BUSY = "gpu-busy"
GIB = 1 << 30


def main() -> None:
    """Put the folder in the place of the kubelet's, and a file in that of the driver, and go on as `tintype`."""
    folder = Path(sys.argv.pop(1))
    run.in_cluster_server = functools.partial(in_cluster_server, folder=folder)
    busy = folder / GPU_BUSY
    if busy.exists():
        torch.cuda.mem_get_info = lambda _device: (6 * GIB, 8 * GIB)  # type: ignore[assignment]
        torch.cuda.utilization = lambda _device: int(busy.read_text())  # type: ignore[assignment]
        tintype_trainer.run.gpu_reader = lambda _device: gpu_reader(torch.device("cuda", 0))
    cli.main()


if __name__ == "__main__":
    main()
