"""How long Jobs take to come, at 10 a second and in bursts, whoever makes them."""

import asyncio
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import httpx
from benchmarks.operator_cluster import Api, Arrivals, figures, job

from support.kube import JOBS, PODS, Kube
from support.modelversions import modelversion

STEADY: Final = 300
"""Objects at 10 a second."""
INTERVAL_S: Final = 0.1
BURSTS: Final = (500, 1_000)
POSTS_AT_ONCE: Final = 16
FIGURES: Final = (("steady", "p50_ms"), ("steady", "p99_ms"), *((f"burst{count}", "last_job_s") for count in BURSTS))
"""What is compared: measure and figure."""
Measured = dict[str, Any]


@dataclass(frozen=True)
class Way:
    """A way to a Job: the kind of object that is posted for it, that object by its name, and the Job's name's end."""

    group_version: str
    plural: str
    body: Callable[[str], dict[str, Any]]
    job_suffix: str = ""

    async def post(self, api: Api, seen: Arrivals, name: str) -> None:
        """Ask for one Job."""
        seen.begin(f"{name}{self.job_suffix}")
        await api.create(api.path(self.group_version, self.plural), self.body(name))


def _version(name: str) -> dict[str, Any]:
    return modelversion({"spec.runPolicy": {"preflight": "Never"}}, name=name)


FLOOR: Final = Way("apis/batch/v1", "jobs", job)
OURS: Final = Way("apis/tintype.dev/v1alpha1", "modelversions", _version, "-1")


def measured(connect: Callable[[], Api], way: Way, clear: Callable[[], None]) -> Measured:
    """Measure one way to Jobs; `clear` deletes everything."""
    found: Measured = {"steady": asyncio.run(_steady(connect(), way))}
    clear()
    for count in BURSTS:
        found[f"burst{count}"] = asyncio.run(burst(connect(), way, count))
        clear()
    return found


def clear(kube: Kube, namespace: str, way: Way = FLOOR) -> None:
    """Delete what was posted, and all Jobs and Pods, and wait until nothing is left."""
    for place in (f"{way.group_version}/namespaces/{{}}/{way.plural}", JOBS, PODS):
        path = place.format(namespace)
        at_once = {"gracePeriodSeconds": "0"} if place == PODS else {}
        while kube.must("GET", path, limit="1")["items"]:
            with suppress(httpx.ReadTimeout):  # thousands take longer than a request may
                kube.must("DELETE", path, propagationPolicy="Background", **at_once)


def ratios(ours: Measured, floor: Measured) -> dict[str, float]:
    """Return how many times the floor's each figure is."""
    return {
        f"{measure}.{figure}": round(ours[measure][figure] / floor[measure][figure], 2) for measure, figure in FIGURES
    }


def summary(rounds: list[dict[str, Measured]]) -> dict[str, Measured]:
    """Return the medians of several rounds for each who was measured in them, with each round's ratios to the floor."""
    result = {who: _medians([one[who] for one in rounds]) for who in rounds[0]}
    for who in result.keys() - {"floor"}:
        by_round = [ratios(one[who], one["floor"]) for one in rounds]
        in_all = {name: [one[name] for one in by_round] for name in by_round[0]}
        result[who]["ratios"] = {name: statistics.median(values) for name, values in in_all.items()}
        result[who]["ratios_of_rounds"] = in_all
    return result


def _medians(of_rounds: list[Measured]) -> Measured:
    medians: Measured = {}
    for measure, figure in FIGURES:
        of_measure = medians.setdefault(measure, {})
        of_measure[figure] = statistics.median(one[measure][figure] for one in of_rounds)
    return medians


async def _steady(api: Api, way: Way) -> Measured:
    async with api, Arrivals(api) as seen:
        posts = []
        for number in range(STEADY):
            posts.append(asyncio.create_task(way.post(api, seen, f"steady-{number}")))
            await asyncio.sleep(INTERVAL_S)
        await asyncio.gather(*posts)
        await seen.all(STEADY)
        return figures(seen.delays())


async def burst(api: Api, way: Way, count: int) -> Measured:
    """Measure a burst of so many objects."""
    async with api, Arrivals(api) as seen:
        started = time.monotonic()
        await post_all(api, seen, way, [f"burst-{number}" for number in range(count)])
        posted = time.monotonic()
        await seen.all(count)
        return {"posted_s": round(posted - started, 3), "last_job_s": round(time.monotonic() - started, 3)}


async def post_all(api: Api, seen: Arrivals, way: Way, names: list[str]) -> None:
    """Ask for many Jobs as fast as some connections can."""
    at_once = asyncio.Semaphore(POSTS_AT_ONCE)

    async def post(name: str) -> None:
        async with at_once:
            await way.post(api, seen, name)

    await asyncio.gather(*map(post, names))


async def post_versions(api: Api, count: int) -> Measured:
    """Measure how long the API server takes to accept so many versions, where nobody makes Jobs of them."""
    async with api:
        started = time.monotonic()
        await post_all(api, Arrivals(api), OURS, [f"alone-{number}" for number in range(count)])
        return {"posted_s": round(time.monotonic() - started, 3)}


def copied(made: dict[str, Any]) -> Way:
    """Return how Jobs like one that exists are posted without anyone who makes them."""
    spec = {name: value for name, value in made["spec"].items() if name != "selector"}
    ours = {name: value for name, value in spec["template"]["metadata"]["labels"].items() if "tintype" in name}
    template = spec["template"] | {"metadata": spec["template"]["metadata"] | {"labels": ours}}

    def body(name: str) -> dict[str, Any]:
        return job(name) | {"spec": spec | {"template": template}}

    return Way(FLOOR.group_version, FLOOR.plural, body)
