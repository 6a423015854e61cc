"""The library's page that each publish writes anew: which one, that it lacks no version, and that no run fails."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.handmade import published
from support.modelversions import modelversion
from tintype_api.modelversion import ModelVersion, resolve
from tintype_api.status import Artifacts
from tintype_trainer.library import keeping
from tintype_trainer.library.keeping import keep_library, write_page
from tintype_trainer.reporting.journal import Journal
from tintype_trainer.storage import Store, as_folder
from tintype_trainer.storage.local import LocalBackend
from tintype_trainer.storage.s3 import S3Backend


class Slow(LocalBackend):
    """Files; whenever something is about to be written, something else happens first."""

    def __init__(self, happens: Iterator[Callable[[], None]]) -> None:
        self.happens = happens
        self.writes = 0

    def write(self, uri: str, source: bytes | Path) -> None:
        self.writes += 1
        next(self.happens, lambda: None)()
        super().write(uri, source)


class Said:
    """Keeps what the log would show."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def changed(self, *_: object, **__: object) -> None:
        """Pass over a change of status."""

    def note(self, sentence: str) -> None:
        """Keep the sentence."""
        self.notes.append(sentence)


def prefix_of(folder: Path) -> str:
    return as_folder(folder.as_uri())


def no_limit() -> None:
    """Let everything take as long as it takes."""


def keep(folder: Path, asked: str) -> tuple[str | None, list[str]]:
    """Keep the page that a version v-1 in a folder stands on; return what status says of it, and the log."""
    document = modelversion({"spec.output.uri": folder.as_uri()}, name="v-1")
    said, journal = Said(), Journal()
    journal.listen(said)
    version = resolve(ModelVersion.parse(document))
    artifacts = Artifacts(uri=folder.as_uri(), files=1, size_bytes=1, manifest_sha256="0")
    keep_library(version, artifacts, Store.from_settings(), journal, {"TINTYPE_LIBRARY": asked})
    told = journal.status.artifacts
    return told.not_listed if told else None, said.notes


@pytest.mark.parametrize(
    ("asked", "page", "there"),
    [("Namespace", "default/index.html", {"v-1", "v-2"}), ("Output", "index.html", {"v-1", "v-2", "other-1"})],
)
def test_the_page_that_is_asked_for_is_written(asked: str, page: str, there: set[str], tmp_path: Path) -> None:
    for name in ("v-1", "v-2"):
        published(tmp_path, name)
    published(tmp_path, "other-1", {"metadata.namespace": "team-b"})
    assert keep(tmp_path, asked) == (None, [f"{(tmp_path / page).as_uri()} has {len(there)} versions now"])
    text = (tmp_path / page).read_text()
    assert {name for name in ("v-1", "v-2", "other-1") if f"<bdi>{name}</bdi>" in text} == there
    assert [file.name for file in tmp_path.rglob("index.html")] == ["index.html"]


def test_where_none_is_asked_for_there_is_none(tmp_path: Path) -> None:
    published(tmp_path, "v-1")
    assert keep(tmp_path, "") == (None, [])
    assert not list(tmp_path.rglob("index.html"))


def test_a_page_that_overtakes_another_is_written_once_more(tmp_path: Path) -> None:
    """A second version is published, and its page written, after the first has listed and before it writes."""
    published(tmp_path, "v-1")

    def second() -> None:
        published(tmp_path, "v-2")
        assert write_page(prefix_of(tmp_path), Store.from_settings(), no_limit) == 2

    backend = Slow(iter([second]))
    assert write_page(prefix_of(tmp_path), Store(S3Backend(None, None), backend), no_limit) == 2
    assert backend.writes == 2
    assert "<bdi>v-2</bdi>" in (tmp_path / "index.html").read_text()


def test_alone_it_is_written_once(tmp_path: Path) -> None:
    published(tmp_path, "v-1")
    backend = Slow(iter([]))
    assert write_page(prefix_of(tmp_path), Store(S3Backend(None, None), backend), no_limit) == 1
    assert backend.writes == 1


def test_a_version_published_anew_under_its_name_counts_as_another(tmp_path: Path) -> None:
    published(tmp_path, "v-1", indicator=0.5)

    def again() -> None:
        (tmp_path / "default" / "v-1" / "manifest.json").unlink()
        published(tmp_path, "v-1", indicator=0.75)

    write_page(prefix_of(tmp_path), Store(S3Backend(None, None), Slow(iter([again]))), no_limit)
    assert "0.7500" in (tmp_path / "index.html").read_text()


def _others(folder: Path) -> None:
    (folder / "default" / "index.html").write_text("<h1>Our website</h1>")


def _a_folder(folder: Path) -> None:
    (folder / "default" / "index.html").mkdir()


@pytest.mark.parametrize(
    ("arrange", "asked", "words"),
    [
        (
            _others,
            "Namespace",
            "default/index.html is another's page, and is left as it is; move it, or choose another",
        ),
        (_a_folder, "Namespace", "default/index.html is a folder, not a file"),
        (lambda _: None, "Cluster", "TINTYPE_LIBRARY: 'Cluster' is none of Namespace, Output"),
    ],
)
def test_what_goes_wrong_is_one_sentence(
    arrange: Callable[[Path], None], asked: str, words: str, tmp_path: Path
) -> None:
    published(tmp_path, "v-1")
    arrange(tmp_path)
    said, notes = keep(tmp_path, asked)
    assert said is not None
    assert words in said
    assert "\n" not in said
    assert notes == [f"warning: {said}"]


def test_others_pages_stay_as_they_are(tmp_path: Path) -> None:
    published(tmp_path, "v-1")
    _others(tmp_path)
    keep(tmp_path, "Namespace")
    assert (tmp_path / "default" / "index.html").read_text() == "<h1>Our website</h1>"


def test_a_run_does_not_wait_longer_than_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published(tmp_path, "v-1")
    monkeypatch.setattr(keeping, "LIMIT_S", -1.0)
    said, _ = keep(tmp_path, "Output")
    assert said is not None
    assert "takes longer than -1 s; set library.page of the chart to Namespace" in said
    assert not (tmp_path / "index.html").exists()


def test_an_error_of_ours_is_a_sentence_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bytes:
        raise ZeroDivisionError("a bug" + 2_000 * ".")

    published(tmp_path, "v-1")
    monkeypatch.setattr(keeping, "library_page", broken)
    said, _ = keep(tmp_path, "Output")
    assert said is not None
    assert "ZeroDivisionError: a bug..." in said
    assert len(said) == 1024, "status takes no more than 4,096"
