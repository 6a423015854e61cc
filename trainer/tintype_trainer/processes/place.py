"""Where a process stands among those of its training. Imports the standard library and names alone."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Self

from tintype_api.constants import ENV_LEADER, ENV_NODE_INDEX, PROCESSES_PORT
from tintype_api.errors import environment_error
from tintype_api.spec.run import Compute

VARIABLE_PREFIX = "TINTYPE_PROCESS_"


@dataclass(frozen=True, slots=True)
class Place:
    """The place of one process.

    Attributes:
        rank: Its number among all, from 0.
        size: How many there are.
        local_rank: Its number on its node, which is that of its GPU.
        local_size: How many there are on its node.
        host: Where rank 0 listens for the others.
        port: Likewise.
        launcher: Process that has started it, without which it ends.
    """

    rank: int
    size: int
    local_rank: int
    local_size: int
    host: str
    port: int
    launcher: int

    def variables(self) -> dict[str, str]:
        """Return the environment variables from which the process reads its place."""
        return {VARIABLE_PREFIX + name.upper(): str(value) for name, value in asdict(self).items()}

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Self | None:
        """Return the place of this process; None where it is the only one, or has yet to start the others."""
        found = {name: environment.get(VARIABLE_PREFIX + name.upper()) for name in cls.__dataclass_fields__}
        if found["rank"] is None:
            return None
        host = found.pop("host") or ""
        return cls(host=host, **{name: int(value or 0) for name, value in found.items()})


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a training.

    Attributes:
        index: Its number, from 0.
        leader: Host name of the first; None where there is no other.
    """

    index: int
    leader: str | None

    def places(self, compute: Compute, port: int, launcher: int) -> list[Place]:
        """Return the places of the processes of this node.

        Args:
            compute: How many there are.
            port: Where rank 0 listens.
            launcher: Process that starts them.
        """
        local_size = compute.processes_per_node
        return [
            Place(
                rank=self.index * local_size + local_rank,
                size=compute.processes,
                local_rank=local_rank,
                local_size=local_size,
                host=self.leader or "127.0.0.1",
                port=port,
                launcher=launcher,
            )
            for local_rank in range(local_size)
        ]


def this_node(compute: Compute, environment: Mapping[str, str] = os.environ) -> Node:
    """Return which of a training's nodes this one is.

    Raises:
        UserError: exit 78 where there are several and nothing says which this one is.
    """
    if compute.nodes == 1:
        return Node(0, None)
    index, leader = environment.get(ENV_NODE_INDEX, ""), environment.get(ENV_LEADER)
    if not index.isdecimal() or int(index) >= compute.nodes or not leader:
        raise environment_error(
            f"compute.nodes is {compute.nodes}, but {ENV_NODE_INDEX} and {ENV_LEADER} do not say which of them this is "
            "and where the first one is; set compute.nodes to 1, or train in a cluster"
        )
    return Node(int(index), leader)


def port_of(node: Node, free_port: int) -> int:
    """Return where rank 0 listens: with several nodes at a port that all know, else at one that is free here."""
    return PROCESSES_PORT if node.leader else free_port
