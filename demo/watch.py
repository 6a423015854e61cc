"""The ModelVersion as it changes, read from `kubectl get --watch`."""

import json
import queue
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from demo.tools import Tools

Document = dict[str, Any]


class Watch:
    """The latest state of one ModelVersion; a watch that the server ends is begun again."""

    def __init__(self, tools: Tools, name: str) -> None:
        self._tools = tools
        self._name = name
        self._updates: queue.SimpleQueue[Document | None] = queue.SimpleQueue()
        self._process = self._start()

    def next(self, timeout_s: float) -> Document | None:
        """Return the next state, or None where nothing changes within `timeout_s`."""
        try:
            update = self._updates.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if update is None:  # the watch has ended
            self.close()
            self._process = self._start()
        return update

    def close(self) -> None:
        """End the watch."""
        with self._process:
            self._process.kill()

    def _start(self) -> "subprocess.Popen[str]":
        command = ("kubectl", "get", "modelversion", self._name, "--watch", "--output=json")
        process = self._tools.start(*command, stderr=subprocess.DEVNULL)
        assert process.stdout is not None
        threading.Thread(target=self._read, args=(process.stdout,), daemon=True).start()
        return process

    def _read(self, stream: IO[str]) -> None:
        for document in documents(stream):
            self._updates.put(document)
        self._updates.put(None)


@contextmanager
def watching(tools: Tools, name: str) -> Iterator[Watch]:
    """A watch for the length of a block."""
    watch = Watch(tools, name)
    try:
        yield watch
    finally:
        watch.close()


def documents(lines: Iterator[str] | IO[str]) -> Iterator[Document]:
    """Yield the JSON documents that kubectl prints one after the other, each ending with a line of one brace."""
    text = ""
    for line in lines:
        text += line
        if line == "}\n":
            document: Document = json.loads(text)
            yield document
            text = ""
