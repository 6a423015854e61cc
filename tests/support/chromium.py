"""Chromium without a screen, driven by the DevTools protocol over a pipe: no port, no driver, no library."""

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

PACKAGE: Final = "chromium"
PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
"""Names that distributions give it, the first that is there being taken."""
ANSWER_S: Final = 60
KEYS: Final = {
    "Tab": 9,
    "Enter": 13,
    "Escape": 27,
    "End": 35,
    "Home": 36,
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
}


class ChromiumError(Exception):
    """Chromium is not there, or has not done what it was asked for."""


def ensure_chromium() -> str:
    """Return the program, after installing Debian's chromium where there is none.

    Raises:
        ChromiumError: where that is not possible.
    """
    if program := _program():
        return program
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise ChromiumError(f"The report's tests need {PACKAGE}: install it from your distribution.")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "install", "-y", "-qq", "--no-install-recommends", PACKAGE]
    for command in (["apt-get", "update", "-qq"], install):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            said = f"`{' '.join(command)}` failed: {done.stderr.strip()}."
            raise ChromiumError(f"{said} Install {PACKAGE} yourself.")
    program = _program()
    if not program:
        raise ChromiumError(f"The package {PACKAGE} was installed and has no program of that name; install another.")
    return program


def _program() -> str | None:
    return next((program for program in PROGRAMS if shutil.which(program)), None)


class Page:
    """One page of a running Chromium.

    Attributes:
        complaints: What it wrote to the console as errors and warnings, exceptions and refused loads among them.
    """

    def __init__(self, commands: IO[bytes], answers: IO[bytes]) -> None:
        self._commands = commands
        self._answers = answers
        self._sent = 0
        self._session: str | None = None
        self.complaints: list[str] = []
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._send(f"{domain}.enable")

    def look(self, width: int, height: int = 900, *, dark: bool = False) -> None:
        """Give the page a size in pixels, and the reader's taste."""
        self._send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self._send("Emulation.setEmulatedMedia", features=[scheme, still])

    def open(self, file: Path) -> None:
        """Open a local file, with the network cut off, and wait until it is drawn."""
        self._send("Network.enable")
        self._send(
            "Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0
        )
        self._send("Page.navigate", url=file.as_uri())
        self.until("document.readyState === 'complete' && location.protocol === 'file:'")

    def value(self, expression: str) -> Any:  # noqa: ANN401  # whatever the expression is
        """Return the value of an expression of JavaScript."""
        answer = self._send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise ChromiumError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait until an expression holds."""
        end = time.monotonic() + ANSWER_S
        while not self.value(expression):
            if time.monotonic() > end:
                raise ChromiumError(f"{expression} has not become true")
            time.sleep(0.05)

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press a key and let it go."""
        text = {"Enter": "\r"}.get(key)
        common = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key], "modifiers": 8 if shift else 0}
        self._send("Input.dispatchKeyEvent", type="keyDown", **common, **({"text": text} if text else {}))
        self._send("Input.dispatchKeyEvent", type="keyUp", **common)

    def tree(self) -> list[dict[str, Any]]:
        """Return what a screen reader is told: nodes with role and name, those that it passes over left out."""
        nodes = self._send("Accessibility.getFullAXTree")["nodes"]
        return [node for node in nodes if not node.get("ignored") and "name" in node]

    def draw(self, file: Path, *, whole: bool = False) -> None:
        """Save what is seen, or the whole page, as PNG."""
        found = self._send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(found["data"]))

    def _send(self, method: str, **parameters: object) -> dict[str, Any]:
        self._sent += 1
        message: dict[str, Any] = {"id": self._sent, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._commands.write(json.dumps(message).encode() + b"\0")
        self._commands.flush()
        while True:
            answer = self._read()
            if answer.get("id") == self._sent:
                if "error" in answer:
                    raise ChromiumError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result
            self._note(answer)

    def _read(self) -> dict[str, Any]:
        content = bytearray()
        while (letter := self._answers.read(1)) != b"\0":
            if not letter:
                raise ChromiumError("chromium has ended")
            content += letter
        answer: dict[str, Any] = json.loads(content)
        return answer

    def _note(self, event: dict[str, Any]) -> None:
        parameters = event.get("params", {})
        match event.get("method"):
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(parameters["exceptionDetails"]))
            case "Log.entryAdded" if parameters["entry"]["level"] in ("error", "warning"):
                self.complaints.append(parameters["entry"]["text"])
            case "Runtime.consoleAPICalled" if parameters["type"] in ("error", "warning", "assert"):
                self.complaints.append(json.dumps(parameters["args"]))


@contextmanager
def chromium(profile: Path) -> Iterator[Page]:
    """Run Chromium with a profile of its own, and yield its page.

    Raises:
        ChromiumError: where there is none and it cannot be installed.
    """
    program = ensure_chromium()
    from_us, to_it = os.pipe()
    from_it, to_us = os.pipe()
    # Chromium reads commands from descriptor 3 and answers on 4; only bash redirects whatever numbers these have.
    command = ["bash", "-c", f'exec "$@" 3<&{from_us} 4>&{to_us}', "bash", program]
    options = ["--headless", "--remote-debugging-pipe", f"--user-data-dir={profile}", "--disable-gpu", "--no-sandbox"]
    quiet = ["--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--hide-scrollbars"]
    with open(profile.parent / "chromium.log", "wb") as log:  # noqa: PTH123
        process = subprocess.Popen([*command, *options, *quiet], pass_fds=(from_us, to_us), stdout=log, stderr=log)
    os.close(from_us)
    os.close(to_us)
    try:
        with os.fdopen(to_it, "wb") as commands, os.fdopen(from_it, "rb") as answers:
            yield Page(commands, answers)
    finally:
        process.terminate()
        process.wait(timeout=ANSWER_S)
