"""Follows a version from its status to its end."""

import time
from collections.abc import Callable

from demo import wording
from demo.console import Console
from demo.errors import DemoError
from demo.install import operator_log
from demo.tools import Tools
from demo.watch import watching
from tintype_api.constants import LABEL_MODELVERSION, TERMINAL_PHASES, Condition, Phase
from tintype_api.status import ModelVersionStatus

SILENCE_LIMIT_S = 600.0
"""A version of which nothing changes for so long is stuck: the trainer reports every few seconds."""
_TICK_S = 1.0


def follow(tools: Tools, check: Callable[[], None], name: str, console: Console) -> ModelVersionStatus:
    """Tell what happens to a version until it has succeeded, and return its status; `check` raises to end it early.

    Raises:
        DemoError: It failed, with its sentence and the end of its log, or is stuck.
        DevclusterError: A process of the cluster has ended.
    """
    status, changed = ModelVersionStatus(), time.monotonic()
    with watching(tools, name) as watch:
        while status.phase not in TERMINAL_PHASES:
            check()
            document = watch.next(_TICK_S)
            if document is not None:
                now = wording.parsed(document)
                for line in wording.news(status, now):
                    console.say(line)
                status, changed = now, time.monotonic()
            elif time.monotonic() - changed > SILENCE_LIMIT_S:
                raise DemoError(f"Nothing has changed for {SILENCE_LIMIT_S:.0f} s.\n{operator_log(tools)}")
            console.live(wording.live(status))
    if status.phase != Phase.SUCCEEDED:
        raise DemoError(_failure(tools, name, status))
    return status


def _failure(tools: Tools, name: str, status: ModelVersionStatus) -> str:
    sentence = wording.condition(status, Condition.FAILED) or "its condition says nothing"
    return f"ModelVersion {name} is {status.phase}: {sentence}\n{_trainer_log(tools, name)}"


def _trainer_log(tools: Tools, name: str) -> str:
    try:
        log = tools.run("kubectl", "logs", f"--selector={LABEL_MODELVERSION}={name}", "--tail=30", "--prefix")
    except DemoError as error:
        return f"There is no log of its Pods: {error}"
    return f"The end of the log of its Pods:\n{log}" if log else "No Pod of it is left to read a log from."
