"""A running cluster, as tests, the demo and the command line hold it."""

import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from devcluster import build, lifetime, numbers
from devcluster.box import refuse_hidden, require_root
from devcluster.errors import DevclusterError
from devcluster.leftovers import remove_leftovers, scratch_state
from devcluster.mounts import development_mounts
from devcluster.packages import ensure_packages
from devcluster.plan import REGION, Plan
from devcluster.processes import pause_file
from devcluster.programs import ADDONS, wanted
from devcluster.progress import Say, say

_POLL_S = 0.05


@dataclass(frozen=True)
class Cluster:
    """What one needs to use a cluster; its addresses are the same for this machine and for Pods."""

    plan: Plan

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig that may do everything."""
        return self.plan.admin_kubeconfig

    @property
    def programs(self) -> Path:
        """The folder of kubectl and, where there is a node, helm."""
        return self.plan.programs

    @property
    def s3_endpoint(self) -> str:
        """The URL of the S3 server."""
        return self.plan.s3_endpoint

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables by which kubectl, helm, boto3 and tintype find this cluster and its S3 server."""
        return {
            "KUBECONFIG": str(self.kubeconfig),
            "AWS_ENDPOINT_URL": self.s3_endpoint,
            "TINTYPE_S3_ENDPOINT": self.s3_endpoint,
            "AWS_ACCESS_KEY_ID": self.plan.access_key,
            "AWS_SECRET_ACCESS_KEY": self.plan.secret_key,
            "AWS_REGION": REGION,
            "PATH": f"{self.programs}:{os.environ.get('PATH', os.defpath)}",
        }

    def log(self, name: str) -> Path:
        """Return the log of a process, for example `kube-apiserver`."""
        return self.plan.log(name)

    @contextmanager
    def paused(self, name: str) -> Iterator[None]:
        """Kill a process, for example `kube-apiserver`, and have it started again when the block ends."""
        pause_file(self.plan.state, name).touch()
        try:
            yield
        finally:
            pause_file(self.plan.state, name).unlink()

    def check(self) -> None:
        """Raise DevclusterError where a process of the cluster has ended by itself."""
        ended = self.plan.state / "ended.txt"
        if ended.exists():
            raise DevclusterError(ended.read_text().strip())


def up(
    state: Path,
    *,
    node: bool = True,
    gpus: int = 0,
    addons: Sequence[str] = (),
    images: Sequence[Path] = (),
    kept: bool = False,
    say: Say = say,
) -> Cluster:
    """Start a cluster and return when it is ready; see `cluster` for the arguments.

    Raises DevclusterError where something that it needs is missing or refused.
    """
    state = state.absolute()
    _refuse_addons(addons, node=node)
    _refuse_missing(images)
    if node:
        require_root()
        refuse_hidden(state)
    remove_leftovers()
    _refuse_running(state)
    if node:
        ensure_packages(say)
    programs = build.ensure(wanted(node=node, addons=addons), say)
    started = time.monotonic()
    plan, lock = _new_plan(state, programs, node=node, gpus=gpus, addons=addons, images=images)
    try:
        lifetime.start(plan, lock, kept=kept, say=say)
    finally:
        os.close(lock)
    say(f"cluster ready after {time.monotonic() - started:.1f} s")
    return Cluster(plan)


def _refuse_addons(addons: Sequence[str], *, node: bool) -> None:
    unknown = sorted(set(addons) - set(ADDONS))
    if unknown:
        raise DevclusterError(f"{unknown[0]} is none of {', '.join(ADDONS)}.")
    if addons and not node:
        raise DevclusterError(f"{addons[0]} runs on a node: start the cluster with one, or leave {addons[0]} out.")


def _refuse_missing(images: Sequence[Path]) -> None:
    for path in images:
        if not path.is_file():
            raise DevclusterError(f"There is no file {path}: write it with `docker save`.")


def _refuse_running(state: Path) -> None:
    state.mkdir(parents=True, exist_ok=True)
    if not (state / "plan.json").exists() and any(path.name != "logs" for path in state.iterdir()):
        raise DevclusterError(f"The folder {state} holds other files: name an empty or a new one with --state.")
    if is_running(state):
        raise DevclusterError(
            f"A cluster runs in {state} already: end it with `devcluster down --state {state}`, or name another."
        )
    lifetime.remove_data(state)
    shutil.rmtree(state / "logs", ignore_errors=True)


def _new_plan(
    state: Path, programs: Path, *, node: bool, gpus: int, addons: Sequence[str], images: Sequence[Path]
) -> tuple[Plan, int]:
    plan = Plan(
        state=state,
        programs=programs,
        number=0,
        node=node,
        gpus=gpus,
        access_key=f"devcluster{secrets.token_hex(5)}",
        secret_key=secrets.token_hex(20),
        mounts=development_mounts() if node else (),
        addons=tuple(addons),
        images=tuple(str(path.absolute()) for path in images),
    )
    number, lock = numbers.take(lambda number: () if node else replace(plan, number=number).ports())
    plan = replace(plan, number=number)
    plan.write()
    return plan, lock


def is_running(state: Path) -> bool:
    """Say whether the cluster of a state folder runs."""
    return lifetime.is_alive(state)


def down(state: Path) -> None:
    """End the cluster of a state folder and remove what it stored, but for its logs; also where it has ended already.

    Raises DevclusterError where the folder is none of a cluster.
    """
    state = state.absolute()
    if not (state / "plan.json").exists():
        raise DevclusterError(f"There is no cluster in {state}.")
    lifetime.kill(Plan.read(state))
    lifetime.remove_data(state)
    remove_leftovers()


def status(state: Path) -> tuple[str, bool]:
    """Return a sentence about the cluster of a state folder, and whether it runs."""
    state = state.absolute()
    remove_leftovers()
    if not (state / "plan.json").exists():
        return f"There is no cluster in {state}.", False
    if is_running(state):
        plan = Plan.read(state)
        return f"The cluster in {state} runs: API server {plan.server}, S3 {plan.s3_endpoint}.", True
    ended = state / "ended.txt"
    reason = ended.read_text().strip() if ended.exists() else "it was killed"
    return f"The cluster in {state} has ended: {reason}", False


@contextmanager
def cluster(
    state: Path | None = None,
    *,
    node: bool = True,
    gpus: int = 0,
    addons: Sequence[str] = (),
    images: Sequence[Path] = (),
    say: Say = say,
) -> Iterator[Cluster]:
    """A cluster for the length of a block, in a state folder of its own unless one is named.

    Args:
        state: where the cluster keeps its files; empty or new.
        node: with a node, which needs root; else etcd, API server, controller manager and S3 only.
        gpus: how many `nvidia.com/gpu` the node claims to have.
        addons: what else runs on the node: some of programs.ADDONS.
        images: files of `docker save` that the node has beside its own images.
        say: told what is being done, a line at a time.

    Raises DevclusterError where it cannot be started, or where a process of it ended by itself. It dies with the
    calling thread, also when this process is killed.
    """
    with scratch_state() as scratch:
        running = up(state or scratch, node=node, gpus=gpus, addons=addons, images=images, say=say)
        try:
            yield running
            running.check()
        finally:
            down(running.plan.state)
