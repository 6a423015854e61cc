"""A training as it stands between two steps: its numbers and its tensors.

The order of the examples and all augmentations follow from the seed and the iteration (`randomness.py`), so that the
state of torch's own generators, which dropout and detectors draw from, is all the randomness there is to keep.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn, optim

from tintype_trainer.loop.ema import Ema
from tintype_trainer.loop.records import Memory

NETWORK: Final = "network."
AVERAGE: Final = "average."
OPTIMIZER: Final = "optimizer."
BEST: Final = "best."
CPU_RANDOM: Final = "random.cpu"
CUDA_RANDOM: Final = "random.cuda"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Where a training stands.

    Attributes:
        memory: Its numbers.
        tensors: By name, on the CPU: the raw weights and buffers below `network.`, their average below `average.`, the
            optimizer's state below `optimizer.<parameter>.`, the best epoch's weights below `best.`, and the state of
            torch's generators in each process.
    """

    memory: Memory
    tensors: Mapping[str, Tensor]


def capture(
    network: nn.Module,
    optimizer: optim.Optimizer,
    ema: Ema | None,
    best: Mapping[str, Tensor],
    random: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    """Return copies, on the CPU, of all tensors that a training needs to go on.

    Args:
        network: The network.
        optimizer: Over its parameters.
        ema: Their average, if one is kept.
        best: State dict of the best epoch.
        random: States of torch's generators in all processes, as `random_state` returns them.
    """
    named = {
        **_below(NETWORK, network.state_dict()),
        **_below(AVERAGE, ema.average if ema else {}),
        **_below(OPTIMIZER, dict(_optimizer_state(optimizer))),
        **_below(BEST, best),
        **random,
    }
    return {name: _on_cpu(tensor) for name, tensor in named.items()}


def random_state(rank: int) -> dict[str, Tensor]:
    """Return the state of torch's generators in the process of a rank, by the names that it has in a snapshot."""
    states = {CPU_RANDOM: torch.get_rng_state()}
    if torch.cuda.is_available():
        states[CUDA_RANDOM] = torch.cuda.get_rng_state()
    return {_of_rank(name, rank): state for name, state in states.items()}


def restore(snapshot: Snapshot, network: nn.Module, optimizer: optim.Optimizer, ema: Ema | None, rank: int = 0) -> None:
    """Make network, optimizer, average and torch's generators as they were captured, bit by bit.

    Args:
        snapshot: Where the training stood.
        network: Of the training.
        optimizer: Likewise.
        ema: Likewise.
        rank: Of this process, whose generators they are.

    Raises:
        RuntimeError, KeyError: the tensors are of another network or other options.
    """
    tensors = snapshot.tensors
    network.load_state_dict(_under(NETWORK, tensors))
    _restore_optimizer(optimizer, _under(OPTIMIZER, tensors))
    if ema is not None:
        ema.restore(_under(AVERAGE, tensors), snapshot.memory.last.iteration)
    torch.set_rng_state(tensors[_of_rank(CPU_RANDOM, rank)])
    if torch.cuda.is_available() and (cuda := _of_rank(CUDA_RANDOM, rank)) in tensors:
        torch.cuda.set_rng_state(tensors[cuda])


def best_weights(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the state dict of the best epoch; empty before the first has ended."""
    return _under(BEST, tensors)


def copy_of(network: nn.Module) -> dict[str, Tensor]:
    """Return a copy of a network's state dict on the CPU."""
    return {name: _on_cpu(tensor) for name, tensor in network.state_dict().items()}


def _optimizer_state(optimizer: optim.Optimizer) -> Iterator[tuple[str, Tensor]]:
    for index, state in optimizer.state_dict()["state"].items():
        for name, tensor in state.items():
            yield f"{index}.{name}", tensor


def _restore_optimizer(optimizer: optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = defaultdict(dict)
    for place, tensor in tensors.items():
        index, _, name = place.partition(".")
        state[int(index)][name] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    for parameter, own in optimizer.state.items():
        for name, tensor in own.items():
            if tensor.shape == parameter.shape:  # in the parameter's memory format, as the optimizer would make it
                own[name] = torch.empty_like(parameter, dtype=tensor.dtype).copy_(tensor)


def _of_rank(name: str, rank: int) -> str:
    return f"{name}.{rank}" if rank else name


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _on_cpu(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", copy=True).contiguous()
