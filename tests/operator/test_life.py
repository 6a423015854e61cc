"""Whatever happens to a version, in whatever order: what always holds, and the phases that follow each other."""

import random
import re
from pathlib import Path
from typing import Any

import pytest

from support.life import World
from tintype_api.constants import TERMINAL_PHASES, Phase, Stage

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
LIVES = 400
STEPS = 80
BEGINNINGS: dict[int, dict[str, Any]] = {
    7: {"spec.runPolicy.suspend": True},
    8: {"spec.runPolicy.stop": True},
    9: {"spec.training": {"architecture": "lost"}},
}
"""What the last digit of a seed does to the spec; the other digits leave it as it is."""
MOST_INTERRUPTIONS, MOST_FAILURES = 4, 3
RUNNING = "Running"
"""How the diagram calls the phases in which the trainer runs."""


def check(world: World, *, before: str) -> None:
    """Check what holds of every version whatever the operator has seen."""
    status = world.status
    if before in list(TERMINAL_PHASES):
        assert world.phase == before, "an ended version stays ended"
    assert status.get("interruptions", 0) <= MOST_INTERRUPTIONS
    assert status.get("failures", 0) <= MOST_FAILURES
    waiting = [one for one in status.get("conditions", []) if one["type"] == "Waiting" and one["status"] == "True"]
    if world.phase in {"Queued", "Suspended"}:
        assert waiting, "it says why nothing runs"


def check_all(world: World) -> None:
    """Check what holds of every version once the operator has seen all and done its work."""
    jobs = [job for job in world.jobs if "deletionTimestamp" not in job["metadata"]]
    assert len(jobs) <= 1, "no second Job"
    assert len(world.running()) <= world.nodes, "no second Pod"
    assert len({pod["metadata"]["ownerReferences"][0]["uid"] for pod in world.running()}) <= 1, "of one Job"
    status, policy = world.status, world.policy
    named = status.get("job", {}).get("podUID")
    assert named is None or named in [pod["metadata"]["uid"] for pod in world.running()], "nobody else reports"
    if world.phase == "Suspended":
        assert policy.get("suspend")
        assert world.running() == jobs == []
    if world.ended:
        assert named is None
        deleted = "JobDeleted" in [one["reason"] for one in status["conditions"] if one["type"] == "Failed"]
        assert world.meddled or not deleted, "nobody has deleted its Job"


def live(seed: int) -> World:
    """Return the world after the life of a version."""
    chance = random.Random(seed)
    preflight = "Auto" if seed % 4 == 0 else "Never"
    nodes = 2 if seed % 5 < 2 else 1
    world = World(chance, queue=seed % 3 == 0, preflight=preflight, nodes=nodes, changes=BEGINNINGS.get(seed % 10, {}))
    world.operate()
    for _ in range(STEPS):
        before = world.phase
        world.happen()
        jobs, pods = (chance.random() < 0.8 for _ in range(2))
        world.look(jobs=jobs, pods=pods)
        if chance.random() < 0.8:
            world.operate()
            check(world, before=before)
            if jobs and pods:
                check_all(world)
    world.come_to_an_end()
    return world


@pytest.fixture(scope="module")
def lives() -> list[World]:
    return [live(seed) for seed in range(LIVES)]


def test_every_life_comes_to_an_end(lives: list[World]) -> None:
    assert [seed for seed, world in enumerate(lives) if not world.ended] == []


def test_lives_end_in_every_way(lives: list[World]) -> None:
    assert {world.phase for world in lives} == {str(phase) for phase in TERMINAL_PHASES}
    reasons = {one["reason"] for world in lives for one in world.status["conditions"] if one["type"] == "Failed"}
    assert {"TooManyInterruptions", "Crashed", "DataError", "JobDeleted"} <= reasons
    assert max(world.status.get("attempt", 0) for world in lives) > 4


def outer(phase: str) -> str:
    """Return a phase as the outer diagram calls it."""
    return RUNNING if phase in list(Stage) else phase or "[*]"


def test_the_diagram_of_phases_is_what_happens(lives: list[World]) -> None:
    text = OPERATIONS.read_text()
    drawn = set(re.findall(r"^    (\S+) --> (\S+)$", text, re.MULTILINE))
    stages = set(re.findall(r"^        (\S+) --> (\S+)$", text, re.MULTILINE))
    named = {one for pair in drawn | stages for one in pair} - {"[*]", RUNNING}
    assert named == {str(phase) for phase in Phase}
    happened = {pair for world in lives for pair in world.transitions}
    assert {(outer(before), outer(after)) for before, after in happened if outer(before) != outer(after)} == drawn
    assert stages <= happened
