"""Compiling the programs once, into a folder that later runs use as it is."""

import fcntl
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from devcluster.errors import DevclusterError
from devcluster.golang import find_go
from devcluster.programs import Group, Program, digest, find, go_mod, link_flags, staging_replaces
from devcluster.progress import Say, Ticker, duration

PROGRAMS_VARIABLE = "TINTYPE_PROGRAMS"
_DEPENDENCIES = re.compile(r"^dependencies:\n(?:[- ].*\n)*", re.MULTILINE)


def cache_folder() -> Path:
    """Return where programs of these versions are kept."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "tintype" / f"programs-{digest()}"


def chart_folder(programs: Path, name: str) -> Path:
    """Return where the helm chart of a group lies, beside its programs."""
    return programs / "charts" / name


def manifests_folder(programs: Path, name: str) -> Path:
    """Return where the manifests of a group lie, beside its programs."""
    return programs / "manifests" / name


def ensure(names: Sequence[str], say: Say) -> Path:
    """Return the folder that holds all the programs named, compiling those that are missing.

    Raises DevclusterError where a program of a given folder is missing, or one cannot be compiled.
    """
    given = os.environ.get(PROGRAMS_VARIABLE)
    if given:
        return _check_given(Path(given).absolute(), names)
    folder = cache_folder()
    if _missing(folder, names):
        folder.mkdir(parents=True, exist_ok=True)
        with _only_one(folder, say):
            _build_all(folder, _missing(folder, names), say)
    return folder


def _missing(folder: Path, names: Sequence[str]) -> list[str]:
    return [name for name in names if not os.access(folder / name, os.X_OK)]


def _check_given(folder: Path, names: Sequence[str]) -> Path:
    missing = _missing(folder, names)
    if missing:
        raise DevclusterError(
            f"{PROGRAMS_VARIABLE} names {folder}, which lacks {', '.join(missing)}: "
            "add them, or unset it to have them built."
        )
    return folder


@contextmanager
def _only_one(folder: Path, say: Say) -> Iterator[None]:
    """Hold the folder's lock, so that two builds at once do the work once."""
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Another build fills {folder}: waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build_all(folder: Path, names: Sequence[str], say: Say) -> None:
    if not names:
        return
    go = find_go(say)
    left_s = sum(find(name)[1].estimate_s for name in names)
    say(f"Compiling {len(names)} programs into {folder}, once; about {duration(left_s)} on two cores.")
    ticker, started = Ticker(), time.monotonic()
    for number, name in enumerate(names, start=1):
        group, program = find(name)
        left_s -= program.estimate_s
        subject = f"compiling {name}, {number} of {len(names)}"
        for waited_s in _build(go, folder, group, program):
            remaining_s = left_s + max(program.estimate_s - waited_s, 0)
            ticker.show(subject, f"{duration(time.monotonic() - started)} so far, about {duration(remaining_s)} left")
    say(f"Compiled in {duration(time.monotonic() - started)}.")


def _build(go: str, folder: Path, group: Group, program: Program) -> Iterator[float]:
    """Compile one program aside and move it into place; yields the seconds since it began, about once a second."""
    module = _write_module(go, folder, group)
    target, aside = folder / program.name, folder / ".building"
    flags = ["-mod=mod", "-trimpath", "-buildvcs=false", "-ldflags", link_flags(group)]
    with (module / "build.log").open("w+") as log:
        command = [go, "build", *flags, "-o", str(aside), program.package]
        process = subprocess.Popen(command, cwd=module, env=_environment(), stdout=log, stderr=log)
        started = time.monotonic()
        try:
            while _still_runs(process):
                yield time.monotonic() - started
        finally:
            process.kill()
            process.wait()
        if process.returncode != 0:
            log.seek(0)
            raise DevclusterError(f"{program.name} could not be compiled: {_last_lines(log.read())}")
    target.parent.mkdir(exist_ok=True)
    _copy_files(go, folder, group, module)
    aside.replace(target)


def _still_runs(process: "subprocess.Popen[bytes]") -> bool:
    try:
        process.wait(timeout=1.0)
    except subprocess.TimeoutExpired:
        return True
    return False


def _environment() -> dict[str, str]:
    return {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off", "GOTOOLCHAIN": "local"}


def _last_lines(log: str) -> str:
    lines = [line for line in log.splitlines() if not line.startswith("go: downloading")]
    return "\n".join(lines[-8:]) or "go said nothing"


def _copy_files(go: str, folder: Path, group: Group, module: Path) -> None:
    """Copy a group's chart and manifests beside the programs.

    A chart loses what it depends on, which is installed by its own chart, where it is asked for.
    """
    if group.chart:
        target = chart_folder(folder, group.name)
        _copy_folder(Path(_downloaded(go, module, group)["Dir"]) / group.chart, target)
        chart = target / "Chart.yaml"
        chart.write_text(_DEPENDENCIES.sub("", chart.read_text()))
    if group.manifests:
        source = Path(_downloaded(go, module, group)["Dir"]) / group.manifests
        _copy_folder(source, manifests_folder(folder, group.name))


def _copy_folder(source: Path, target: Path) -> None:
    """Copy files without their modes: modules in Go's cache are read-only."""
    for file in source.rglob("*"):
        if file.is_file():
            copy = target / file.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())


def _downloaded(go: str, module: Path, group: Group) -> dict[str, str]:
    """Return what go says of the group's first module once it is in its cache: Dir, GoMod and others."""
    name, version = group.requires[0]
    command = [go, "mod", "download", "-json", f"{name}@{version}"]
    done = subprocess.run(command, cwd=module, env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DevclusterError(f"{name} {version} could not be downloaded: {_last_lines(done.stderr + done.stdout)}")
    found: dict[str, str] = json.loads(done.stdout)
    return found


def _write_module(go: str, folder: Path, group: Group) -> Path:
    """Write the group's go.mod and main.go once, and return their folder."""
    module = folder / "modules" / group.name
    if not (module / "go.mod").exists():
        module.mkdir(parents=True, exist_ok=True)
        if group.main:
            (module / "main.go").write_text(group.main)
        aside = module / "go.mod.new"
        aside.write_text(go_mod(group, _replaces(go, module, group)))
        aside.replace(module / "go.mod")
    return module


def _replaces(go: str, module: Path, group: Group) -> tuple[tuple[str, str], ...]:
    """Read which modules Kubernetes keeps in its own checkout from the go.mod that it publishes."""
    if group.name != "kubernetes":
        return ()
    return staging_replaces(Path(_downloaded(go, module, group)["GoMod"]).read_text())
