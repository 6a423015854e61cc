"""One ModelVersion as kubectl tells of it: now, or at each change until it is gone."""

import json
import subprocess
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Any, Final

from tintype_api.constants import GROUP, PLURAL
from tintype_api.errors import UserError, environment_error, not_found
from tintype_trainer.sentences import first_line

RESOURCE: Final = f"{PLURAL}.{GROUP}"
DELETED: Final = "DELETED"
RETRIES: Final = 5
"""A watch that breaks so often without a change in between is not begun again."""
PAUSE_S: Final = 2.0
_NOT_FOUND: Final = "(NotFound)"
_UNKNOWN_RESOURCE: Final = "the server doesn't have a resource type"

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Where:
    """Which version, and in which cluster.

    Attributes:
        name: Of the ModelVersion.
        namespace: Its namespace; None: that of kubectl's context.
        context: Of kubectl's configuration; None: the current one.
    """

    name: str
    namespace: str | None = None
    context: str | None = None

    def get(self, *options: str) -> list[str]:
        """Return the command that gets it."""
        # A name that begins with a dash is a name, and no option.
        return [*self.get_all(*options), "--", self.name]

    def get_all(self, *options: str) -> list[str]:
        """Return the command that gets all versions of its namespace."""
        chosen = ["--context", self.context] if self.context else []
        chosen += ["--namespace", self.namespace] if self.namespace else []
        return ["kubectl", "get", RESOURCE, *chosen, "--output=json", *options]


def current(where: Where) -> Document:
    """Return the version as it is now.

    Raises:
        UserError: exit 66 where there is none, 78 where kubectl is missing or the cluster does not answer.
    """
    return _answer(where, where.get())


def names_beside(where: Where) -> list[str]:
    """Return the names of all versions in the same namespace.

    Raises:
        UserError: as `current`.
    """
    return [str(item["metadata"]["name"]) for item in _answer(where, where.get_all())["items"]]


def changes(where: Where) -> Generator[Document, None, None]:
    """Yield the version as it is now and after each change; ends where it was deleted.

    A watch that the server or the network ends is begun again.

    Raises:
        UserError: exit 66 where there is none, 78 where kubectl is missing or the cluster does not answer.
    """
    seen, failures = False, 0
    while True:
        try:
            for event in _events(where):
                seen, failures = True, 0
                if event["type"] == DELETED:
                    return
                yield event["object"]
        except UserError as error:
            failures += 1
            if not seen or error.exit_code == not_found("").exit_code or failures > RETRIES:
                raise
        time.sleep(PAUSE_S)


def documents(lines: Iterator[str] | IO[str]) -> Iterator[Document]:
    """Yield the JSON documents that kubectl prints one after the other.

    Each stands in one line, as events do, or in several of which the last is one brace.
    """
    text = ""
    for line in lines:
        text += line
        if line.rstrip() == "}" or (text == line and line.rstrip().endswith("}")):
            document: Document = json.loads(text)
            yield document
            text = ""


def _answer(where: Where, command: Sequence[str]) -> Document:
    with TemporaryFile("w+") as errors, _started(command, errors) as process:
        said, _ = process.communicate()
        if process.returncode:
            raise _refused(where, errors)
    document: Document = json.loads(said)
    return document


def _events(where: Where) -> Iterator[Document]:
    with TemporaryFile("w+") as errors:
        process = _started(where.get("--watch", "--output-watch-events"), errors)
        try:
            assert process.stdout is not None, "it is piped"
            yield from documents(process.stdout)
            if process.wait():
                raise _refused(where, errors)
        finally:
            process.kill()
            process.communicate()


def _started(command: Sequence[str], errors: IO[str]) -> "subprocess.Popen[str]":
    try:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True)
    except OSError as error:
        raise environment_error(
            f"kubectl cannot be started ({first_line(error)}); install it and put it on PATH"
        ) from error


def _refused(where: Where, errors: IO[str]) -> UserError:
    errors.seek(0)
    said = errors.read().strip()
    if _NOT_FOUND in said:
        place = f"in the namespace {where.namespace}" if where.namespace else "in this namespace"
        return not_found(
            f"there is no ModelVersion '{where.name}' {place}; `kubectl get mv --all-namespaces` lists all, "
            "--namespace names another"
        )
    if _UNKNOWN_RESOURCE in said:
        return environment_error(
            "the cluster does not know ModelVersions; install tintype's chart, or name another --context"
        )
    return environment_error(
        f"kubectl: {_last_line(said) or 'it failed and said nothing'}; see to it that it reaches the cluster"
    )


def _last_line(text: str) -> str:
    return text.splitlines()[-1].removeprefix("error: ") if text else ""
