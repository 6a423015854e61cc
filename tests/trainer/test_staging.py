"""Pictures on this machine: which are readable, which end the run, and what is fetched again."""

import errno
import hashlib
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NoReturn

import pytest
from PIL import Image

from support.pictures import picture, truncated, write_files
from tintype_api.constants import ExitCode, Reason
from tintype_api.errors import UserError, access_denied
from tintype_api.spec.view import ViewType
from tintype_trainer.datasets.dataset import Example, Region, Selection, Split, Staged
from tintype_trainer.datasets.freezing import freeze
from tintype_trainer.pixels.pictures import UnreadablePicture, check_picture
from tintype_trainer.pixels.staging import stage
from tintype_trainer.storage import Download, MissingObject, ObjectInfo, Store
from tintype_trainer.storage.local import LocalBackend
from tintype_trainer.storage.types import Reading


class Bucket:
    """Objects in memory, with tags, that counts what is sent."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects
        self.sent: Counter[str] = Counter()
        self.asked = 0
        self.tags = True

    def read(self, uri: str, unless_etag: str | None) -> Download | None:
        self.asked += 1
        if uri not in self.objects:
            raise MissingObject(f"{uri} does not exist at AWS; correct the URI")
        data = self.objects[uri]
        etag = hashlib.md5(data).hexdigest() if self.tags else None
        if etag is not None and etag == unless_etag:
            return None
        self.sent[uri] += 1
        return Download(data, etag)

    def open(self, uri: str) -> Reading:
        return Reading(len(self.objects[uri]), iter([self.objects[uri]]))

    def head(self, uri: str) -> ObjectInfo | None:
        raise NotImplementedError(uri)

    def list(self, uri: str) -> Iterator[ObjectInfo]:
        raise NotImplementedError(uri)

    def write(self, uri: str, source: bytes | Path) -> None:
        raise NotImplementedError(uri)

    def create(self, uri: str, data: bytes) -> bool:
        raise NotImplementedError(uri)


def selection(uris: list[str], splits: dict[int, Split] | None = None) -> Selection:
    of = splits or {}
    examples = [
        Example(uri.rpartition("/")[2], uri, of.get(number, Split.TRAIN), (("glass", "metal")[number % 2],))
        for number, uri in enumerate(uris)
    ]
    return Selection(ViewType.CLASSIFICATION, ("glass", "metal"), tuple(examples), not_in_model=3, not_annotated=4)


def bucket(count: int) -> Bucket:
    return Bucket({f"s3://data/{number:03}.png": picture(number) for number in range(count)})


def staged(source: Bucket, cache: Path, uris: list[str] | None = None) -> Staged:
    return stage(selection(uris or sorted(source.objects)), Store(source, LocalBackend()), cache)


def test_stages_from_a_bucket(tmp_path: Path) -> None:
    source = bucket(50)
    progress: list[tuple[int, int]] = []
    chosen = selection(sorted(source.objects))
    result = stage(chosen, Store(source, LocalBackend()), tmp_path, progress=lambda *each: progress.append(each))
    assert [each.example for each in result.examples] == list(chosen.examples)
    for each in result.examples:
        data = source.objects[each.example.uri]
        assert each.path.read_bytes() == data
        assert (each.sha256, each.width, each.height) == (hashlib.sha256(data).hexdigest(), 24, 16)
    assert progress == [(done, 50) for done in range(1, 51)]
    assert result.unreadable.count == 0


def test_a_second_run_fetches_only_what_changed(tmp_path: Path) -> None:
    source = bucket(20)
    first = staged(source, tmp_path)
    source.sent.clear()
    assert staged(source, tmp_path) == first
    assert source.sent == {}
    changed = "s3://data/007.png"
    source.objects[changed] = picture(200, size=(10, 10))
    again = staged(source, tmp_path)
    assert source.sent == {changed: 1}
    assert (again.examples[7].width, again.examples[7].path.read_bytes()) == (10, source.objects[changed])


def test_a_cached_file_that_was_damaged_or_removed_is_fetched_again(tmp_path: Path) -> None:
    source = bucket(20)
    first = staged(source, tmp_path)
    source.sent.clear()
    first.examples[3].path.write_bytes(b"damaged")
    first.examples[4].path.unlink()
    assert staged(source, tmp_path) == first
    assert source.sent == {"s3://data/003.png": 1, "s3://data/004.png": 1}
    assert first.examples[3].path.read_bytes() == source.objects["s3://data/003.png"]


def test_a_broken_index_is_told_and_made_good(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = bucket(20)
    first = staged(source, tmp_path)
    index = tmp_path / "index.jsonl"
    index.write_bytes(index.read_bytes()[:-20])
    source.sent.clear()
    assert staged(source, tmp_path) == first
    assert source.sent.total() == 1
    assert "1 lines are broken; their pictures are fetched again" in caplog.text


def test_a_server_without_tags_is_asked_for_all_again(tmp_path: Path) -> None:
    source = bucket(5)
    source.tags = False
    assert staged(source, tmp_path) == staged(source, tmp_path)
    assert source.sent.total() == 10


def test_files_are_used_where_they_are(tmp_path: Path) -> None:
    write_files(tmp_path, {f"{number}.png": picture(number) for number in range(4)})
    uris = [(tmp_path / f"{number}.png").as_uri() for number in range(4)]
    result = stage(selection(uris), Store.from_settings(environment={}), tmp_path / "cache")
    assert [each.path for each in result.examples] == [tmp_path / f"{number}.png" for number in range(4)]
    assert result.examples[2].sha256 == hashlib.sha256(picture(2)).hexdigest()
    assert not (tmp_path / "cache").exists()


def test_a_few_unreadable_pictures_are_counted_and_listed(tmp_path: Path) -> None:
    source = bucket(120)
    source.objects |= {
        "s3://data/010.png": b"",
        "s3://data/020.png": b"<html>not found</html>",
        "s3://data/030.png": truncated("PNG"),
        "s3://data/040.png": truncated("JPEG"),
    }
    missing = ["s3://data/050.png", "s3://data/060.png"]
    uris = sorted(source.objects)
    for uri in missing:
        del source.objects[uri]
    result = staged(source, tmp_path, uris)
    assert len(result.examples) == 114
    assert result.unreadable.count == 6
    assert [sentence.split(" (")[0] for sentence in result.unreadable.examples] == [
        "010.png is empty",
        "020.png is no picture of a known kind",
        "030.png cannot be decoded",
        "040.png cannot be decoded",
        "050.png does not exist",
    ]
    assert freeze(result).status.unreadable == result.unreadable


def test_too_many_unreadable_pictures_end_the_run(tmp_path: Path) -> None:
    source = bucket(100)
    uris = sorted(source.objects)
    for uri in uris[:6]:
        del source.objects[uri]
    with pytest.raises(UserError) as error:
        staged(source, tmp_path, uris)
    assert error.value.exit_code == ExitCode.DATA
    assert str(error.value) == (
        "dataset: 6 of 100 pictures cannot be read, more than 5%; correct these or remove them: 000.png does not "
        "exist; 001.png does not exist; 002.png does not exist; 003.png does not exist; 004.png does not exist; "
        "and 1 more"
    )


@pytest.mark.parametrize(
    ("splits", "words"),
    [
        (dict.fromkeys(range(3, 60, 2), Split.VALIDATION), "all training examples of 'metal'"),
        ({1: Split.VALIDATION}, "all of the validation set"),
        ({1: Split.TEST}, "all of the test set"),
    ],
)
def test_what_is_lost_whole_ends_the_run(tmp_path: Path, splits: dict[int, Split], words: str) -> None:
    source = bucket(60)
    chosen = selection(sorted(source.objects), splits)
    source.objects["s3://data/001.png"] = b""
    with pytest.raises(UserError, match=words) as error:
        stage(chosen, Store(source, LocalBackend()), tmp_path)
    assert error.value.exit_code == ExitCode.DATA
    assert str(error.value).endswith("correct these or remove them: 001.png is empty")


def test_denied_access_ends_the_run_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = bucket(2000)

    def deny(uri: str, unless_etag: str | None) -> NoReturn:
        source.asked += 1
        raise access_denied(f"{uri} is denied")

    monkeypatch.setattr(source, "read", deny)
    with pytest.raises(UserError) as error:
        staged(source, tmp_path)
    assert error.value.reason == Reason.ACCESS_DENIED
    assert source.asked < 500


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    write_files(tmp_path, {"file": b""})
    with pytest.raises(UserError, match=r"cannot be written \(.*\); choose another cache directory") as error:
        staged(bucket(2), tmp_path / "file" / "cache")
    assert error.value.exit_code == ExitCode.ENVIRONMENT


def test_a_full_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, data: bytes) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(UserError, match="the disk is full; give the cache more space") as error:
        staged(bucket(40), tmp_path)
    assert error.value.exit_code == ExitCode.ENVIRONMENT
    assert [path.name for path in tmp_path.rglob("*.part")] == []


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "WEBP"])
def test_pictures_of_each_kind(kind: str) -> None:
    size = check_picture(picture(kind=kind, size=(200, 120)))
    assert (size.width, size.height) == (200, 120)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "WEBP"])
def test_truncated_pictures_of_each_kind(kind: str) -> None:
    with pytest.raises(UnreadablePicture):
        check_picture(truncated(kind))


def test_a_picture_of_many_regions_is_fetched_once(tmp_path: Path) -> None:
    source = bucket(2)
    uris = sorted(source.objects)
    halves = (Region(0, 0, 0.5, 1), Region(0.5, 0, 1, 1))
    examples = tuple(
        Example(f"{uri}#{number}", uri, Split.TRAIN, (("glass", "metal")[number],), region=region)
        for uri in uris
        for number, region in enumerate(halves)
    )
    chosen = Selection(ViewType.CLASSIFICATION, ("glass", "metal"), examples, 0, 0)
    progress: list[tuple[int, int]] = []
    result = stage(chosen, Store(source, LocalBackend()), tmp_path, progress=lambda *each: progress.append(each))
    assert [each.example for each in result.examples] == list(examples)
    assert set(source.sent.values()) == {1}
    assert progress == [(1, 2), (2, 2)]
    assert result.training == (0, 1, 2, 3)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_equal_pixels_are_found_in_other_files() -> None:
    image = Image.frombytes("L", (24, 16), Random(5).randbytes(24 * 16))
    turned = Image.Exif()
    turned[0x0112] = 6
    same = [
        encoded(image, "PNG"),
        encoded(image, "BMP"),
        encoded(image.convert("RGB"), "TIFF"),
        encoded(image.convert("RGB"), "WEBP", lossless=True),
        encoded(image.transpose(Image.Transpose.ROTATE_90), "PNG", exif=turned),
    ]
    assert len({check_picture(data).pixels_sha256 for data in same}) == 1
    others = [
        image.transpose(Image.Transpose.ROTATE_90),
        image.point(lambda value: value ^ 1),
        image.crop((0, 0, 23, 16)),
    ]
    assert len({check_picture(encoded(other, "PNG")).pixels_sha256 for other in (image, *others)}) == 4
